"""Measures a preflight of twenty pools: how long it takes against AWS on loopback, and how many questions it asks.

Each pair is two fresh processes, after their imports: ours, and a plain program that asks the same, one question after
another, both with a tenth of a second to each answer, as over a network. The server is warm, so that its start does not
count. The median counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
REGIONS = ("us-east-1", "us-west-2")
LATENCY = 0.1
ALLOWED = {"seconds": 2.0, "ratio": 0.75, "questions": 1.0}


def main() -> None:
    """Prints the table; exit code 1 where a figure is above what is allowed."""
    from tests.lookups.preflight.answers import ready
    from tests.lookups.preflight.stand_in import StandIn

    if len(sys.argv) > 2 and sys.argv[1] in _ROLES:
        print(json.dumps(_ROLES[sys.argv[1]](int(sys.argv[2]))))
        return
    rounds, console = int(sys.argv[1]) if len(sys.argv) > 1 else 5, Console(highlight=False)
    with StandIn(ready()) as aws:
        asked(aws, "ours", 20)  # moto loads its parts when they are first asked for
        alone = [asked(aws, "ours", 20) for _ in track(range(rounds), "at once", console=console)]
        aws.delay = LATENCY
        pairs = [
            (asked(aws, "ours", 20), asked(aws, "plain", 20)) for _ in track(range(rounds), "pairs", console=console)
        ]
        few = asked(aws, "ours", 12)
    seconds = statistics.median(each["seconds"] for each in alone)
    ratio = statistics.median(ours["seconds"] / plain["seconds"] for ours, plain in pairs)
    questions = alone[0]["questions"] / few["questions"]
    table = Table("figure", "measured", "allowed", title=f"20 pools, median of {rounds}", title_justify="left")
    table.add_row("seconds of preflight, after import", f"{seconds:.2f}", f"{ALLOWED['seconds']:.2f}")
    table.add_row(f"the same with {LATENCY} s to each answer, ours / plain", f"{ratio:.3f}", f"{ALLOWED['ratio']:.2f}")
    table.add_row("questions, of 20 pools / of 12 alike", f"{questions:.3f}", f"{ALLOWED['questions']:.2f}")
    console.print(table)
    told = [statistics.median(pair[side]["seconds"] for pair in pairs) for side in (0, 1)]
    console.print(f"with {LATENCY} s: ours {told[0]:.2f} s, plain {told[1]:.2f} s; {few['questions']:.0f} questions")
    measured = {"seconds": seconds, "ratio": ratio, "questions": questions}
    sys.exit(any(measured[name] > allowed for name, allowed in ALLOWED.items()))


def asked(aws: Any, role: str, pools: int) -> dict[str, float]:
    """What a fresh process tells of itself, and how much the server was asked."""
    before = len(aws.asked)
    told = {"AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}
    command = [sys.executable, __file__, role, str(pools)]
    run = subprocess.run(command, env={**os.environ, **told}, check=True, capture_output=True, text=True)
    return {"seconds": json.loads(run.stdout), "questions": len(aws.asked) - before}


def _ours(pools: int) -> float:
    """Seconds of a preflight of so many pools, over six machine types and two regions."""
    from polysilicon import clock
    from polysilicon.lookups.preflight import Clients, preflight
    from tests.lookups.preflight.fleets import MACHINES, fleet, requirements

    wanted = requirements(fleet(pools, MACHINES, REGIONS))
    begin = time.perf_counter()
    with Clients() as clients:
        findings = preflight(wanted, clients, clock.now())
    seconds = time.perf_counter() - begin
    if odd := [finding for finding in findings if finding.status not in ("ok", "warn")]:
        sys.exit(f"not what is measured: {odd}")
    return seconds


def _plain(pools: int) -> float:
    """Seconds of the same questions, put one after another by a program that knows nothing of ours."""
    import boto3  # type: ignore[import-untyped]

    from polysilicon.lookups.preflight.policy import bound_services, deploying_actions
    from polysilicon.lookups.preflight.versions import parameter
    from tests.lookups.preflight.fleets import MACHINES, fleet, requirements

    wanted = requirements(fleet(pools, MACHINES, REGIONS))
    begin = time.perf_counter()
    session = boto3.Session()
    arn = session.client("sts", "us-east-1").get_caller_identity()["Arn"]
    iam, bound = session.client("iam", "us-east-1"), bound_services(wanted.parts)
    actions = [action for action in deploying_actions(wanted.parts) if action not in bound]
    for role in ("AWSServiceRoleForAutoScaling", "AWSServiceRoleForEC2Spot"):
        iam.get_role(RoleName=role)
    for _ in range(max(map(len, bound.values()))):
        iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[*bound])
    for region in wanted.regions:
        for first in range(0, len(actions), 100):
            iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions[first : first + 100])
        session.client("service-quotas", region.region).list_service_quotas(ServiceCode="ec2")
        ec2, names = (
            session.client("ec2", region.region),
            [{"Name": "instance-type", "Values": sorted(region.machines)}],
        )
        ec2.describe_instance_type_offerings(LocationType="availability-zone-id", Filters=names)
        session.client("eks", region.region).describe_cluster_versions(clusterVersions=list(region.kubernetes))
        session.client("ssm", region.region).get_parameters(Names=[parameter(image) for image in region.images])
        for machine, nodes in region.spot.items():
            ec2.get_spot_placement_scores(InstanceTypes=[machine], TargetCapacity=nodes, RegionNames=[region.region])
    return time.perf_counter() - begin


_ROLES = {"ours": _ours, "plain": _plain}

if __name__ == "__main__":
    main()
