"""EKS node groups and what their launch template leads to: security groups, EFA, placement and reservations.

Held when the group is made: what does not wait for the group is there by then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from polysilicon.rehearsal.judges.order_eks import CLUSTER, NODE_GROUP
from polysilicon.rehearsal.judges.order_moment import Moment, Row, words
from polysilicon.rehearsal.judges.order_network import SUBNET
from polysilicon.rehearsal.model import Call, Problem, Record
from polysilicon.rehearsal.values import at, every
from polysilicon.rehearsal.wording import told

_TEMPLATE, _GROUP = "aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/securityGroup:SecurityGroup"
_PLACEMENT, _RESERVATION = "aws:ec2/placementGroup:PlacementGroup", "aws:ec2/capacityReservation:CapacityReservation"
_OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
_NEW_RULES = {
    "ingress": "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "egress": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
}
_EVERY_PROTOCOL = ("-1", "all")
_NOT_JOINED = "NodeCreationFailure: Instances failed to join the kubernetes cluster. {reason}"

Direction = Literal["ingress", "egress"]
_WAYS: tuple[tuple[Direction, str], ...] = (("ingress", "in"), ("egress", "out"))


@dataclass(frozen=True)
class _Rule:
    """What a security group lets through: which protocol, and the groups at the other end, or addresses."""

    protocol: str
    groups: frozenset[str]
    addresses: bool


def _template(call: Call, moment: Moment) -> Record | None:
    given = call.inputs.get("launchTemplate")
    return moment.made(at(given, "id"), _TEMPLATE) or moment.made(at(given, "name"), _TEMPLATE)


def _groups(template: Record) -> set[str]:
    """The security groups that nodes get; none if EKS attaches that of the cluster."""
    paths = ("vpcSecurityGroupIds.*", "networkInterfaces.*.securityGroups.*")
    return {str(value) for path in paths for _, value in every(template.inputs, path)}


def _efas(template: Record) -> list[Mapping[str, Any]]:
    told = template.inputs.get("networkInterfaces") or ()
    return [each for each in told if str(each.get("interfaceType")).startswith("efa")]


def _rules(moment: Moment, group: Record, direction: Direction) -> Iterator[_Rule]:
    for inline in group.inputs.get(direction) or ():
        yield _rule(group, inline, inline.get("protocol"), inline.get("securityGroups") or ())
    for record in moment.mentioning(group.id, _OLD_RULE, "securityGroupId"):
        if record.inputs.get("type") == direction:
            yield _rule(
                group, record.inputs, record.inputs.get("protocol"), [record.inputs.get("sourceSecurityGroupId")]
            )
    for record in moment.mentioning(group.id, _NEW_RULES[direction], "securityGroupId"):
        peers = [record.inputs.get("referencedSecurityGroupId")]
        yield _rule(group, record.inputs, record.inputs.get("ipProtocol"), peers)


def _rule(group: Record, told: Mapping[str, Any], protocol: object, peers: Any) -> _Rule:
    own = [group.id] if told.get("self") is True else []
    groups = frozenset(str(peer).rpartition("/")[2] for peer in (*peers, *own) if peer)
    return _Rule(str(protocol).lower(), groups, not groups)


def _efa_alone(call: Call, moment: Moment) -> Iterator[Problem]:
    """All traffic between nodes, both ways, by a rule that names the group (EC2 user guide, efa-start: "Prepare an
    EFA-enabled security group"). Nothing refuses such nodes: what runs on them hangs."""
    template, cluster = _template(call, moment), moment.made(call.inputs.get("clusterName"), CLUSTER)
    if template is None or not _efas(template) or not (ids := _groups(template)):
        return
    if cluster is not None and _own(cluster) in ids:  # EKS user guide, sec-group-reqs: it has both rules
        return
    groups = [moment.made(group, _GROUP) for group in sorted(ids)]
    if None in groups:
        moment.unjudged("rules of a security group that was not made here")
        return
    for direction, way in _WAYS:
        if not any(_lets_through(moment, group, direction, ids) for group in groups if group):
            text = (
                "EFA between the nodes of {name} does not work, and collectives on them hang: no rule of {groups} lets "
                "all traffic {way} where the other end is the same group ({direction}, protocol -1, self or its own "
                "id; a rule for 0.0.0.0/0 does not count)"
            )
            yield Problem(
                told(call, text, groups=", ".join(sorted(ids)), way=way, direction=direction), "launchTemplate"
            )


def _lets_through(moment: Moment, group: Record, direction: Direction, peers: set[str]) -> bool:
    return any(rule.protocol in _EVERY_PROTOCOL and rule.groups & peers for rule in _rules(moment, group, direction))


def _cut_off(call: Call, moment: Moment) -> Iterator[Problem]:
    """With groups in the template EKS leaves out that of the cluster (EKS user guide, "Customize managed nodes with
    launch templates"): the private endpoint then answers only whom a rule of its groups lets in."""
    template, cluster = _template(call, moment), moment.made(call.inputs.get("clusterName"), CLUSTER)
    if template is None or cluster is None or at(cluster.inputs, "vpcConfig.endpointPrivateAccess") is not True:
        return
    ids = _groups(template)
    own = _own(cluster)
    more = [str(value) for _, value in every(cluster.inputs, "vpcConfig.securityGroupIds.*")]
    if not ids or ids & {own, *more} or any(moment.made(group, _GROUP) is None for group in more):
        return
    doors = [moment.made(group, _GROUP) for group in more] + [_as_group(own, cluster)]
    rules = [rule for door in doors if door for rule in _rules(moment, door, "ingress")]
    if not any(rule.addresses or rule.groups & ids for rule in rules):
        reason = (
            f"The launch template gives nodes {', '.join(sorted(ids))} and not the cluster's security group {own}, "
            "which lets none of them in, so they cannot reach the control plane. Add the cluster's group "
            "(vpcConfig.clusterSecurityGroupId) to the template, or an ingress rule for the nodes' group to it"
        )
        yield Problem(told(call, _NOT_JOINED, reason=reason), "launchTemplate")


def _own(cluster: Record) -> str:
    return str(at(cluster.outputs, "vpcConfig.clusterSecurityGroupId"))


def _as_group(id_: str, cluster: Record) -> Record:
    """The security group that EKS made: it has the rules that name it, and what is among its own members."""
    return Record(
        key=cluster.key,
        package="aws",
        type=_GROUP,
        urn="",
        name=id_,
        id=id_,
        scope=cluster.scope,
        inputs={},
        outputs={},
    )


def _too_many_efas(call: Call, moment: Moment) -> Iterator[Problem]:
    """As many EFA interfaces as the smallest machine of the group takes; network cards are no count of them."""
    template = _template(call, moment)
    efas = _efas(template) if template else []
    if template is None or not efas:
        return
    machines = call.inputs.get("instanceTypes") or [template.inputs.get("instanceType")]
    for machine in (each for each in machines if isinstance(each, str)):
        row = next((row for row in words("aws")["efas"] if re.search(row["machines"], machine)), None)
        if row is not None and len(efas) > row["most"]:
            text = "{machine} takes at most {most} EFA interfaces, the launch template has {given}"
            yield Problem(told(call, text, machine=machine, most=row["most"], given=len(efas)), "launchTemplate")
        if row is not None and row.get("first_card") is False and any(not efa.get("networkCardIndex") for efa in efas):
            text = "network card 0 of {machine} takes no EFA interface, only one of type interface"
            yield Problem(told(call, text, machine=machine), "launchTemplate")


def _spread_out(call: Call, moment: Moment) -> Iterator[Problem]:
    """A cluster placement group lies in one zone (EC2 user guide, "Placement strategies"), and so does EFA."""
    template = _template(call, moment)
    name = at(template.inputs, "placement.groupName") if template else None
    group = moment.made(name, _PLACEMENT)
    if group is None or group.inputs.get("strategy") != "cluster":
        return
    subnets = [moment.made(subnet, SUBNET) for subnet in call.inputs.get("subnetIds") or ()]
    zones = sorted({str(subnet.outputs.get("availabilityZone")) for subnet in subnets if subnet})
    if len(zones) > 1:
        text = (
            "AsgInstanceLaunchFailures: the cluster placement group {group} cannot span several availability zones, "
            "and the node group has subnets in {zones}: give it those of one"
        )
        yield Problem(told(call, text, group=name, zones=", ".join(zones)), "subnetIds")


def _reserved(call: Call, moment: Moment) -> Record | None:
    """The reservation that all nodes come from, if it was made here."""
    template = _template(call, moment)
    path = "capacityReservationSpecification.capacityReservationTarget.capacityReservationId"
    return moment.made(at(template.inputs, path), _RESERVATION) if template else None


def _exhausted(call: Call, moment: Moment) -> Iterator[Problem]:
    """More nodes than a reservation has (EC2 error codes, ReservationCapacityExceeded)."""
    reservation, wanted = _reserved(call, moment), at(call.inputs, "scalingConfig.desiredSize")
    held = reservation.inputs.get("instanceCount") if reservation else None
    if reservation and isinstance(held, (int, float)) and isinstance(wanted, (int, float)) and wanted > held:
        text = (
            "AsgInstanceLaunchFailures: ReservationCapacityExceeded - The requested reservation does not have "
            "sufficient compatible and available capacity for this request ({reservation} has {held}, desiredSize is "
            "{wanted})"
        )
        more = {"reservation": reservation.id, "held": int(held), "wanted": int(wanted)}
        yield Problem(told(call, text, **more), "scalingConfig.desiredSize")


def _no_spare(call: Call, moment: Moment) -> Iterator[Problem]:
    """The usual update starts new nodes before it ends old ones (botocore, eks UpdateConfig.updateStrategy)."""
    yield from _exhausted(call, moment)
    news, olds = call.inputs, call.record.inputs if call.record else call.inputs
    rolls = any(at(news, path) != at(olds, path) for path in ("launchTemplate.version", "version", "releaseVersion"))
    reservation, wanted = _reserved(call, moment), at(news, "scalingConfig.desiredSize")
    if not rolls or reservation is None or at(news, "updateConfig.updateStrategy") == "MINIMAL":
        return
    if wanted and wanted == reservation.inputs.get("instanceCount"):
        text = (
            "AsgInstanceLaunchFailures: ReservationCapacityExceeded - the update starts a new node before it ends an "
            'old one, and all {held} of {reservation} are in use: set updateConfig.updateStrategy to "MINIMAL"'
        )
        yield Problem(told(call, text, reservation=reservation.id, held=int(wanted)), "updateConfig")


ROWS: tuple[tuple[str, str, Row], ...] = (
    *(("create", NODE_GROUP, row) for row in (_efa_alone, _cut_off, _too_many_efas, _spread_out, _exhausted)),
    ("update", NODE_GROUP, _no_spare),
)
