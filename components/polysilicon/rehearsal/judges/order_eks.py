"""EKS: roles before clusters and nodes and after them, a way out and a network before nodes, nodes before pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import yaml

from polysilicon.rehearsal.accounts import address as bare
from polysilicon.rehearsal.judges.order_moment import Moment, Row, words
from polysilicon.rehearsal.judges.order_network import SUBNET, UnjudgedError, Way, address, endpoints, ways_out
from polysilicon.rehearsal.judges.order_roles import ROLE, lacking
from polysilicon.rehearsal.model import Call, Fault, Problem, Record
from polysilicon.rehearsal.remains import is_broken
from polysilicon.rehearsal.values import at, leaves
from polysilicon.rehearsal.wording import told

CLUSTER, NODE_GROUP, ADDON = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon"
_OTHER_CLUSTER = "a cluster that was not made here"
_MACHINES = ("aws:autoscaling/group:Group", "aws:ec2/instance:Instance")
_NODES_LATER = ("kubernetes:core/v1:Node", "kubernetes:karpenter.sh/")
_OTHER_NETWORK = "another network plugin"


def _cluster(call: Call, moment: Moment) -> Iterator[Problem]:
    """The role can be taken and may do its work: the EKS user guide on the cluster IAM role.

    The first half of each text is that of EKS: rancher issue 37651 and amazon-cloudwatch-agent-test issue 220.
    """
    role = moment.made(call.inputs.get("roleArn"), ROLE)
    if role is None:
        moment.unjudged("policies of a role that was not made here")
        return
    for lack in lacking(moment, role, "auto_cluster" if _is_auto(call.inputs) else "cluster", call):
        text = (
            "InvalidParameterException: {refusal} (the role {role} {lack} at this moment: make the cluster after what "
            "gives it that, by depends_on)"
        )
        yield Problem(told(call, text, refusal=_refusal(role, lack), role=role.id, lack=lack), "roleArn")


def _refusal(role: Record, lack: str) -> str:
    """How EKS words what a role of a cluster lacks."""
    policy = lack.removeprefix("lacks ")
    if policy == lack:
        arn = role.outputs.get("arn", role.id)
        service = lack.rsplit(" ", 1)[-1]
        return (
            f"Following required service principals [{service}] were not found in the trust relationships of "
            f"clusterRole {arn}"
        )
    return (
        "The provided role doesn't have the Amazon EKS Managed Policies associated with it. Please ensure the "
        f"following policies [arn:aws:iam::aws:policy/{policy}] are attached"
    )


def _cluster_gone(call: Call, moment: Moment) -> Iterator[Problem]:
    """The documentation of `role_arn`: otherwise EKS cannot delete its security groups and interfaces."""
    yield from _detached_early(call, moment, "roleArn", "cluster", "security groups and network interfaces")


def _node_group_gone(call: Call, moment: Moment) -> Iterator[Problem]:
    yield from _detached_early(call, moment, "nodeRoleArn", "node_gone", "instances and network interfaces")


def _detached_early(call: Call, moment: Moment, given: str, duty: str, what: str) -> Iterator[Problem]:
    """The words are ours: no log of such a refusal was found."""
    role = moment.made(call.inputs.get(given), ROLE)
    if role is None:
        return
    for lack in lacking(moment, role, duty):
        text = (
            "AccessDenied: the role {role} {lack} at this moment, so EKS cannot delete the {what} it made. "
            "Policies must stay attached until this is gone: let it depend on the attachments (depends_on)"
        )
        yield Problem(told(call, text, role=role.id, lack=lack, what=what), fault=Fault.IN_USE)


def _node_group(call: Call, moment: Moment) -> Iterator[Problem]:
    """What every node needs while it starts; a group of no nodes needs nothing yet."""
    if at(call.inputs, "scalingConfig.desiredSize") == 0:
        return
    cluster = moment.made(call.inputs.get("clusterName"), CLUSTER)
    for reason in (
        *_role_of_nodes(call, moment, cluster),
        *_network(call, moment, cluster),
        *_subnets(call, moment, cluster),
    ):
        # terraform-aws-eks issue 2149; the causes: EKS user guide, "Managed node group error codes".
        text = "NodeCreationFailure: Instances failed to join the kubernetes cluster. At this moment {reason}"
        yield Problem(told(call, text, reason=reason))


def _role_of_nodes(call: Call, moment: Moment, cluster: Record | None) -> Iterator[str]:
    role = moment.made(call.inputs.get("nodeRoleArn"), ROLE)
    if role is None:
        moment.unjudged("policies of a role that was not made here")
        return
    found = [*lacking(moment, role, "node", call)]
    if cluster is None or _needs_role_for_network(moment, cluster):
        found += lacking(moment, role, "node_network", call)
    for lack in dict.fromkeys(found):
        yield f"the role {role.id} {lack}: make the nodes after its policies (depends_on)"


def _needs_role_for_network(moment: Moment, cluster: Record) -> bool:
    """Whether the network plugin works with the role of the nodes, having none of its own."""
    plugin = next((addon for addon in _addons(moment, cluster) if addon.inputs["addonName"] == "vpc-cni"), None)
    if _OTHER_NETWORK in moment.seen or at(cluster.inputs, "kubernetesNetworkConfig.ipFamily") == "ipv6":
        return False
    if plugin is None:  # its service account may have a role by way of the cluster's issuer of identities
        issuer = at(cluster.outputs, "identities.0.oidcs.0.issuer")
        return not (isinstance(issuer, str) and moment.accounts.mentioning(issuer))
    own = plugin.inputs.get("serviceAccountRoleArn") or plugin.inputs.get("podIdentityAssociations")
    pods = moment.mentioning(cluster.id, "aws:eks/podIdentityAssociation:PodIdentityAssociation", "clusterName")
    return not own and not any(pod.inputs.get("serviceAccount") == "aws-node" for pod in pods)


def _network(call: Call, moment: Moment, cluster: Record | None) -> Iterator[str]:
    """The network plugin and kube-proxy are there: made by EKS itself, unless it was told not to."""
    if cluster is None:
        moment.unjudged(_OTHER_CLUSTER)
        return
    by_itself = cluster.inputs.get("bootstrapSelfManagedAddons") is not False
    if by_itself or _is_auto(cluster.inputs) or _OTHER_NETWORK in moment.seen:
        return
    there = {addon.inputs["addonName"]: addon for addon in _addons(moment, cluster)}
    for addon in ("vpc-cni", "kube-proxy"):
        if addon in there:
            moment.relies(call, "it no node becomes ready", [there[addon]])
        else:
            yield f"the cluster {cluster.id} has no {addon}, so no node becomes ready: make nodes after the add-on"


def _subnets(call: Call, moment: Moment, cluster: Record | None) -> Iterator[str]:
    for name in call.inputs.get("subnetIds") or ():
        subnet = moment.made(name, SUBNET)
        if subnet is None:
            moment.unjudged("routes of a subnet that was not made here")
            continue
        try:
            ways = ways_out(moment, subnet)
        except UnjudgedError:
            moment.unjudged("routes of a network that was not made here")
            continue
        yield from _shut_in(call, moment, cluster, subnet, ways)
        yield from _shut_out(moment, cluster, subnet, ways)


def _shut_in(call: Call, moment: Moment, cluster: Record | None, subnet: Record, ways: list[Way]) -> Iterator[str]:
    usable = [way.parts for way in ways if not way.public or _gets_address(call, moment, subnet)]
    moment.relies(call, "it no node joins the cluster", *usable)
    if usable:
        return
    missing = set(words("aws")["endpoints"]) - endpoints(moment, str(subnet.inputs.get("vpcId", "")))
    reach = cluster is None or at(cluster.inputs, "vpcConfig.endpointPrivateAccess") is True
    if not missing and reach:
        return
    lack = f"no endpoints for {', '.join(sorted(missing))}" if missing else "no private endpoint of the cluster either"
    if ways:
        yield (
            f"the subnet {subnet.id} is routed to an internet gateway, but gives nodes no public address "
            f"(map_public_ip_on_launch; Ec2SubnetInvalidConfiguration), and its VPC has {lack}"
        )
    else:
        yield (
            f"the subnet {subnet.id} has no route that leads out (a NAT gateway whose own subnet is routed to an "
            f"internet gateway, or another gateway), and its VPC has {lack}: make the nodes after route, route table "
            "association and gateway (depends_on)"
        )


def _shut_out(moment: Moment, cluster: Record | None, subnet: Record, ways: list[Way]) -> Iterator[str]:
    """Without the private endpoint, nodes come in by the public one, from the addresses of their NAT gateways.

    botocore, `VpcConfigRequest.endpointPrivateAccess`; terraform-aws-eks issue 2149.
    """
    if cluster is None or at(cluster.inputs, "vpcConfig.endpointPrivateAccess") is True:
        return
    let_in = at(cluster.inputs, "vpcConfig.publicAccessCidrs") or ()
    addresses = [address(moment, way) for way in ways]
    if not let_in or not addresses:
        return
    if None in addresses:
        moment.unjudged("whether a public endpoint lets nodes in, whose address is not known")
    elif not any(_is_within(str(one), let_in) for one in addresses):
        yield (
            f"the cluster {cluster.id} has no private endpoint and its public one lets only {', '.join(let_in)} in; "
            f"nodes in the subnet {subnet.id} come from {addresses[0]} (endpointPrivateAccess, or publicAccessCidrs)"
        )


def _is_within(one: str, ranges: Iterable[str]) -> bool:
    """Whether an address is in one of these ranges; one that cannot be read counts as holding it."""
    try:
        return any(ip_address(one) in ip_network(each, strict=False) for each in ranges)
    except ValueError:
        return True


def _gets_address(call: Call, moment: Moment, subnet: Record) -> bool:
    if subnet.inputs.get("mapPublicIpOnLaunch") is True:
        return True
    template = moment.made(at(call.inputs, "launchTemplate.id"), "aws:ec2/launchTemplate:LaunchTemplate")
    interfaces = (template.inputs.get("networkInterfaces") or ()) if template else ()
    return any(str(interface.get("associatePublicIpAddress")).lower() == "true" for interface in interfaces)


def _addon(call: Call, moment: Moment) -> Iterator[Problem]:
    """An add-on is ACTIVE when its pods run; without a node for them it is DEGRADED.

    pulumi-eks issue 1819; what its health says: terraform-aws-eks issue 3003.
    """
    if call.inputs.get("addonName") not in words("aws")["on_some_node"]:
        return
    cluster = moment.made(call.inputs.get("clusterName"), CLUSTER)
    if cluster is None:
        moment.unjudged(_OTHER_CLUSTER)
        return
    for reason in (*_homeless(call, moment, cluster), *_without_identity(call, moment, cluster)):
        text = (
            "waiting for EKS Add-On ({cluster}:{addon}) create: timeout while waiting for state to become 'ACTIVE' "
            "(last state: 'DEGRADED', timeout: 20m0s): InsufficientNumberOfReplicas: The add-on is unhealthy because "
            "it doesn't have the desired number of replicas. At this moment {reason}"
        )
        yield Problem(told(call, text, cluster=cluster.id, addon=call.inputs["addonName"], reason=reason))


def _homeless(call: Call, moment: Moment, cluster: Record) -> Iterator[str]:
    groups = [g for g in moment.mentioning(cluster.id, NODE_GROUP, "clusterName") if _has_nodes(g)]
    keys = _tolerated(call.inputs.get("configurationValues"))
    if _may_have_nodes(moment, cluster):
        return
    open_ = [group for group in groups if _shut_out_by(group, keys) is None]
    moment.relies(call, "a node it stays DEGRADED", *([group] for group in open_))
    if open_:
        return
    if groups:
        taints = sorted({str(_shut_out_by(group, keys)) for group in groups})
        yield f"all nodes have taints that its pods do not tolerate ({', '.join(taints)})"
    else:
        yield f"the cluster {cluster.id} has no node: make the add-on after a node group (depends_on)"


def _has_nodes(group: Record) -> bool:
    return not is_broken(group) and bool(at(group.inputs, "scalingConfig.desiredSize") != 0)


def _may_have_nodes(moment: Moment, cluster: Record) -> bool:
    """Nodes that are no managed group: Auto Mode, Fargate, instances of one's own, what an autoscaler made."""
    fargate = any(moment.mentioning(cluster.id, "aws:eks/fargateProfile:FargateProfile", "clusterName"))
    if fargate or _is_auto(cluster.inputs):
        return True
    inside = bare(str(cluster.outputs.get("endpoint", "")))
    found = moment.accounts.of_types(lambda type_: type_ in _MACHINES or type_.startswith(_NODES_LATER))
    # A machine that a controller made belongs to a group, or to a NodePool that counts itself.
    there = [record for record in found if not record.maker or record.type not in _MACHINES]
    return any(record.scope == cluster.scope or record.scope.owner == inside for record in there)


def _shut_out_by(group: Record, tolerated: set[str] | None) -> str | None:
    """The first taint that keeps pods off the nodes of a group."""
    if tolerated is None:
        return None
    for taint in group.inputs.get("taints") or ():
        if taint.get("effect") != "PREFER_NO_SCHEDULE" and taint.get("key") not in tolerated:
            return str(taint.get("key"))
    return None


def _tolerated(configuration: object) -> set[str] | None:
    """The keys of the taints that the pods of an add-on tolerate; nothing, if they tolerate all."""
    found = set(words("aws")["tolerated"])
    if isinstance(configuration, str) and "tolerations" in configuration:
        try:
            tolerations = [*_tolerations(yaml.safe_load(configuration))]
        except yaml.YAMLError:
            return None
        if any(not toleration.get("key") for toleration in tolerations):
            return None
        found |= {str(toleration["key"]) for toleration in tolerations}
    return found


def _tolerations(value: Any) -> Iterator[dict[str, Any]]:
    """Wherever they stand: some add-ons have them below `controller`."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "tolerations" and isinstance(item, list):
                yield from (toleration for toleration in item if isinstance(toleration, dict))
            else:
                yield from _tolerations(item)


def _without_identity(call: Call, moment: Moment, cluster: Record) -> Iterator[str]:
    """Pod identities are handed out by an agent on the nodes: EKS user guide, "Set up the Pod Identity Agent"."""
    if not call.inputs.get("podIdentityAssociations") or _is_auto(cluster.inputs):
        return
    agents = [addon for addon in _addons(moment, cluster) if addon.inputs["addonName"] == "eks-pod-identity-agent"]
    moment.relies(call, "it its pods get no identity", *([agent] for agent in agents))
    if not agents:
        yield "its pods get no identity, since the add-on eks-pod-identity-agent is not there: make it first"


def _access_entry(call: Call, moment: Moment) -> Iterator[Problem]:
    """A session is no identity that can be given rights: botocore, `CreateAccessEntryRequest.principalArn`.

    The words of the refusal: aws-samples/appmod-blueprints pull request 319.
    """
    principal = str(call.inputs.get("principalArn", ""))
    if ":sts::" in principal:
        text = (
            "InvalidParameterException: The principalArn parameter format is not valid: {principal} is a session, "
            "and access entries are for roles and users. Name the role behind it (getSessionContext().issuerArn)"
        )
        yield Problem(told(call, text, principal=principal), "principalArn")


def _notice(call: Call, moment: Moment) -> Iterator[Problem]:
    """Notes that a program brings a network plugin of its own: then nodes need none of EKS."""
    names = [value for path, value in leaves({k: call.inputs.get(k) for k in ("chart", "name", "metadata")}) if path]
    if any(other in str(name) for name in names for other in words("aws")["other_networks"]):
        moment.seen.add(_OTHER_NETWORK)
    return iter(())


def _addons(moment: Moment, cluster: Record) -> Iterable[Record]:
    return moment.mentioning(cluster.id, ADDON, "clusterName")


def _is_auto(inputs: Any) -> bool:
    return bool(at(inputs, "computeConfig.enabled") is True)


ROWS: tuple[tuple[str, str, Row], ...] = (
    ("create", CLUSTER, _cluster),
    ("delete", CLUSTER, _cluster_gone),
    ("create", NODE_GROUP, _node_group),
    ("delete", NODE_GROUP, _node_group_gone),
    ("create", ADDON, _addon),
    ("create", "aws:eks/accessEntry:AccessEntry", _access_entry),
    ("check", "kubernetes:helm.sh/*", _notice),
    ("check", "kubernetes:apps/v1:DaemonSet", _notice),
)
