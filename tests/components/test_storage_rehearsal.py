"""Storage and budget with the real engine: up, again unchanged, gone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from polysilicon.rehearsal import Rehearsal
from tests.conftest import ROOT

PROGRAM = """
import pulumi_aws as aws
from polysilicon.aws import AwsBudget, AwsBudgetArgs, S3WeightStore, S3WeightStoreArgs
from polysilicon.specs import BudgetSpec, NewBucket, Owner

key = aws.kms.Key("weights", enable_key_rotation=True)
bucket = NewBucket()
S3WeightStore("weights", S3WeightStoreArgs(spec=bucket, region="us-east-1", key_arn=key.arn))
spec = BudgetSpec(monthly_usd=900, alert_emails=("ml@example.com",), topic=True)
AwsBudget("ml", AwsBudgetArgs(spec=spec, owner=Owner(cost_center="ml", workload="chat")))
"""


@pytest.mark.engine
def test_up_again_and_destroy(tmp_path: Path) -> None:
    runtime = {"name": "python", "options": {"virtualenv": str(ROOT / ".venv")}}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "storage", "runtime": runtime}))
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": {"aws:region": "us-east-1"}}))
    (tmp_path / "__main__.py").write_text(PROGRAM)
    rehearsal = Rehearsal(tmp_path, "dev", state=tmp_path / "state", quiet=True)
    up = rehearsal.up()
    assert up.ok, up.log
    again = rehearsal.up(expect_no_changes=True)
    assert again.ok, again.log
    assert again.changed == 0
    destroyed = rehearsal.destroy()
    assert destroyed.ok, destroyed.log
    assert list(destroyed.leftovers) == []
