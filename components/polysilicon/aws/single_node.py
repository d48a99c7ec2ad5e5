"""A model server that is a machine of its own, without Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from polysilicon import clock
from polysilicon.aws.identity import service_role
from polysilicon.aws.network import NetworkWires
from polysilicon.aws.tags import named
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.planning.order import Order
from polysilicon.planning.single_node import SingleNodePlan, plan_single_node
from polysilicon.resources import After, child, lookup, record
from polysilicon.specs import SingleNodeServerSpec

_POLICIES = ("AmazonSSMManagedInstanceCore", "AmazonEC2ContainerRegistryPullOnly")
_OUT = {"https": 443, "http": 80}
"""What a server asks of the internet: images, models, packages. Names are resolved inside the VPC."""
_CHECKS = ("System", "Instance")
"""EC2's own: of what is under the machine, and of the machine itself."""


@dataclass(frozen=True, kw_only=True)
class SingleNodeServerArgs:
    """What a `SingleNodeServer` is made of.

    Attributes:
        spec: Machine, model, who may ask it.
        network: Subnets and ways out.
        disk_key_arn: KMS key of the disk. By default that of the account for EBS.
        tags: Tags of every resource, the disk included.
        catalog: Machines, images and models. By default the shipped one.
    """

    spec: SingleNodeServerSpec
    network: NetworkWires
    disk_key_arn: pulumi.Input[str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None


class SingleNodeServer(pulumi.ComponentResource):
    """One machine with an accelerator, and one model server on it, in a container that systemd keeps running.

    The machine has no public address, no key pair and no open port but the server's, for the networks in the spec. It
    stops itself when nobody asks it. Whatever it is told when it first starts replaces it when it changes; its disk can
    grow, and who may ask it can change, in place.
    """

    instance_id: pulumi.Output[str]
    private_ip: pulumi.Output[str]
    port: int
    """Port of the OpenAI-compatible API."""

    def __init__(self, name: str, args: SingleNodeServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = plan_single_node(name, args.spec, args.catalog or load_catalog(), clock.now())
        super().__init__("polysilicon:index:SingleNodeServer", name, record(args.spec, **_told(plan)), opts)
        self._name, self._args, self._plan = name, args, plan
        if not plan.server.listed:
            line = f"image line {plan.server.line} for {plan.server.landing.silicon}"
            pulumi.log.warn(f"{plan.server.model} is not on the list of {line}: test it before you promise it", self)
        for line in plan.warnings:
            pulumi.log.warn(line, self)

        profile, rights = self._identity()
        group = self._security_group()
        machine = self._machine(profile, group, rights)
        self._alarms(machine)

        self.instance_id, self.private_ip, self.port = machine.id, machine.private_ip, plan.server.port
        self.register_outputs({"instanceId": self.instance_id, "privateIp": self.private_ip, "port": self.port})

    def _identity(self) -> tuple[aws.iam.InstanceProfile, After]:
        role, policies = service_role(self, self._name, "ec2.amazonaws.com", _POLICIES, self._args.tags)
        profile = aws.iam.InstanceProfile(
            self._name, role=role.name, tags=named(self._args.tags, self._name), opts=child(self)
        )
        return profile, {Order.NODES_AFTER_ROLE_POLICIES: policies}

    def _security_group(self) -> aws.ec2.SecurityGroup:
        name, tags = self._name, self._args.tags
        group = aws.ec2.SecurityGroup(
            name,
            vpc_id=self._args.network.vpc_id,
            description="One model server",
            tags=named(tags, name),
            opts=child(self),
        )
        for cidr in self._args.spec.reach:
            rule = f"{name}-from-{cidr.replace('.', '-').replace('/', '-')}"
            port = self._plan.server.port
            aws.vpc.SecurityGroupIngressRule(
                rule,
                security_group_id=group.id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                cidr_ipv4=cidr,
                tags=named(tags, rule),
                opts=child(self),
            )
        for word, port in _OUT.items():
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-{word}",
                security_group_id=group.id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                cidr_ipv4="0.0.0.0/0",
                tags=named(tags, f"{name}-{word}"),
                opts=child(self),
            )
        return group

    def _machine(
        self, profile: aws.iam.InstanceProfile, group: aws.ec2.SecurityGroup, rights: After
    ) -> aws.ec2.Instance:
        plan, args = self._plan, self._args
        # The image is kept as it was found first; another kind of image is another machine, for which it is found anew.
        name = f"{self._name}-{plan.image_key}"
        tags = named(args.tags, name)
        return aws.ec2.Instance(
            name,
            ami=self._image(),
            instance_type=plan.machine,
            subnet_id=args.network.private_subnet_ids[plan.zone],
            vpc_security_group_ids=[group.id],
            iam_instance_profile=profile.name,
            associate_public_ip_address=False,
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            root_block_device={
                "volume_type": "gp3",
                "volume_size": args.spec.root_disk_gib,
                "encrypted": True,
                "kms_key_id": args.disk_key_arn,
                "delete_on_termination": True,
                "tags": tags,
            },
            user_data=plan.user_data,
            user_data_replace_on_change=True,
            instance_initiated_shutdown_behavior="stop",
            tags=tags,
            opts=child(
                self,
                {**rights, Order.NODES_AFTER_NAT: args.network.egress},
                protect=plan.protected,
                ignore_changes=["ami"],
            ),
        )

    def _image(self) -> pulumi.Input[str]:
        plan = self._plan
        if plan.image is None:
            return self._args.spec.ami or ""
        filters = {"name": plan.image.name, "architecture": plan.architecture, "state": "available"}
        if plan.image.description:
            filters["description"] = plan.image.description
        found = aws.ec2.get_ami_output(
            most_recent=True,
            owners=["amazon"],
            include_deprecated=True,  # an older one may be the newest whose driver fits
            filters=[{"name": key, "values": [value]} for key, value in filters.items()],
            opts=lookup(self),
        )
        return pulumi.Output.from_input(found.id).apply(str)

    def _alarms(self, machine: aws.ec2.Instance) -> None:
        for check in _CHECKS:
            name = f"{self._name}-{check.lower()}"
            aws.cloudwatch.MetricAlarm(
                name,
                namespace="AWS/EC2",
                metric_name=f"StatusCheckFailed_{check}",
                dimensions={"InstanceId": machine.id},
                statistic="Maximum",
                comparison_operator="GreaterThanThreshold",
                threshold=0,
                period=60,
                evaluation_periods=5,
                treat_missing_data="missing",  # a machine that is stopped fails nothing
                alarm_actions=[*self._remedies(check), *self._args.spec.alarm_topics],
                tags=named(self._args.tags, name),
                opts=child(self),
            )

    def _remedies(self, check: str) -> list[str]:
        """What helps: a machine with disks of its own cannot be moved, docs.aws.amazon.com/AWSEC2/latest/UserGuide,
        ec2-instance-recover and UsingAlarmActions."""
        remedy = "reboot" if check == "Instance" else "recover"
        can = check == "Instance" or self._plan.movable
        return [f"arn:aws:automate:{self._plan.region}:ec2:{remedy}"] if can else []


def _told(plan: SingleNodePlan) -> dict[str, object]:
    return {
        "zone": plan.zone,
        "silicon": plan.server.landing.silicon,
        "line": plan.server.line,
        "image": plan.image_key,
        "driver": plan.server.landing.host_driver,
        "coldStartSeconds": plan.server.cold_start.seconds,
    }
