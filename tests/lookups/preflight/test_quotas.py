from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from polysilicon.lookups.preflight import Finding
from polysilicon.lookups.preflight.quotas import Quota, quota_of, quotas
from polysilicon.planning.requirements import QuotaTerms, VcpusWanted
from tests.lookups.preflight.answers import NAMES, quota
from tests.lookups.preflight.fleets import fleet, pool, requirements
from tests.lookups.preflight.stubs import Stubbed

ALL = [Quota(code, name, 1) for code, name in NAMES.items()]


def asked(
    limits: Mapping[str, float], *wanted: VcpusWanted, default: Mapping[str, float] | None = None
) -> list[Finding]:
    """What preflight says of needs, in an account with these limits; `default` where AWS must be asked for those."""
    region = replace(requirements(fleet(1)).regions[0], vcpus=wanted)
    stub = Stubbed("service-quotas")
    pages = [quota(code, vcpus) for code, vcpus in limits.items()]
    stub.expect("list_service_quotas", {"Quotas": pages[:1], "NextToken": "more"}, {"ServiceCode": "ec2"})
    stub.expect("list_service_quotas", {"Quotas": pages[1:]}, {"ServiceCode": "ec2", "NextToken": "more"})
    if default is not None:
        rows = [quota(code, vcpus) for code, vcpus in default.items()]
        stub.expect("list_aws_default_service_quotas", {"Quotas": rows}, {"ServiceCode": "ec2"})
    found = list(quotas(region, stub.clients))
    stub.done()
    return found


@pytest.mark.parametrize(
    ("machine", "terms", "code"),
    [
        ("p5.48xlarge", "on_demand", "L-417A185B"),
        ("p5.48xlarge", "spot", "L-C4BD4855"),
        ("p4d.24xlarge", "spot", "L-7212CCBC"),
        ("g6e.4xlarge", "on_demand", "L-DB2E81BA"),
        ("g6e.4xlarge", "spot", "L-3819A6DF"),
        ("inf2.8xlarge", "on_demand", "L-1945791B"),
        ("trn2.48xlarge", "on_demand", "L-2C3B7624"),
        ("trn1.32xlarge", "spot", "L-6B0D517C"),
        ("m7i.large", "on_demand", "L-1216C47A"),
        ("m7i.large", "spot", "L-34B43A08"),
    ],
)
def test_a_machine_has_the_quota_whose_name_speaks_of_it(machine: str, terms: QuotaTerms, code: str) -> None:
    found = quota_of(machine, terms, ALL)
    assert found is not None
    assert found.code == code


def test_where_no_name_fits_the_known_code_counts() -> None:
    renamed = [replace(each, name="Something new") for each in ALL]
    found = quota_of("inf2.xlarge", "on_demand", renamed)
    assert found is not None
    assert found.code == "L-1945791B"
    assert quota_of("p5.48xlarge", "spot", [replace(ALL[2], name="All P Spot Instance Requests")]) is not None
    assert quota_of("x9.large", "on_demand", ALL) is None


def test_the_needs_of_one_quota_are_added_up() -> None:
    needs = VcpusWanted("g6.xlarge", "on_demand", 4, 8), VcpusWanted("g6e.4xlarge", "on_demand", 16, 32)
    (enough,) = asked({"L-DB2E81BA": 40, "L-1216C47A": 0}, *needs)
    assert (enough.status, enough.subject) == ("ok", "Running On-Demand G and VT instances")
    assert "40 vCPUs; the stack wants 20 to 40 (g6.xlarge, g6e.4xlarge)" in enough.text


@pytest.mark.parametrize(("vcpus", "status"), [(19, "fail"), (20, "warn"), (39, "warn"), (40, "ok")])
def test_too_little_for_what_always_runs_fails_and_for_what_may_come_warns(vcpus: float, status: str) -> None:
    needs = VcpusWanted("g6.xlarge", "on_demand", 4, 8), VcpusWanted("g6e.4xlarge", "on_demand", 16, 32)
    (found,) = asked({"L-DB2E81BA": vcpus, "L-1216C47A": 0}, *needs)
    assert found.status == status
    if status != "ok":
        assert found.fix.endswith("--region us-east-1 --service-code ec2 --quota-code L-DB2E81BA --desired-value 40")


def test_a_quota_that_is_not_listed_is_unknown() -> None:
    limits = {"L-DB2E81BA": 0.0, "L-1216C47A": 0.0}
    (found,) = asked(limits, VcpusWanted("inf2.xlarge", "spot", 4, 4), default={})
    assert (found.status, found.subject) == ("unknown", "inf2.xlarge (spot)")


def test_where_the_account_has_no_value_of_its_own_the_default_holds() -> None:
    needs = VcpusWanted("inf2.xlarge", "spot", 4, 4), VcpusWanted("g6.xlarge", "on_demand", 4, 4)
    limits, default = {"L-DB2E81BA": 8.0, "L-1216C47A": 0.0}, {"L-B5D1601B": 0.0, "L-DB2E81BA": 0.0}
    inf, g = asked(limits, *needs, default=default)
    assert (inf.status, inf.subject) == ("fail", "All Inf Spot Instance Requests")
    assert (g.status, "8 vCPUs" in g.text) == ("ok", True)


def test_what_is_reserved_is_in_no_quota() -> None:
    document = fleet(1)
    reserved = {"id": "cr-0123456789abcdef0", "zone": "use1-az6", "count": 2}
    capacity = [{"kind": "reserved", "min": 1, "max": 2, "reservation": reserved}]
    document["pools"] = {"held": pool("inf2.xlarge", zones=["use1-az6"], capacity=capacity)}
    (region,) = requirements(document).regions
    assert [need.machine for need in region.vcpus] == ["m7i.large"]
