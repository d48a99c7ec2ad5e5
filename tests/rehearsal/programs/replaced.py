"""A security group whose name and whose network can be changed from outside."""

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
networks = {key: aws.ec2.Vpc(key, cidr_block="10.0.0.0/16") for key in ("a", "b")}
group = aws.ec2.SecurityGroup(
    "group",
    vpc_id=networks[config.get("network") or "a"].id,
    name=config.get("name"),
    tags={"x": config.get("x") or "1"},
)
rule = aws.vpc.SecurityGroupIngressRule("rule", security_group_id=group.id, ip_protocol="-1", cidr_ipv4="10.0.0.0/8")
pulumi.export("name", group.name)
pulumi.export("id", group.id)
