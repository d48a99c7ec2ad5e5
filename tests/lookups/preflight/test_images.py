from __future__ import annotations

from dataclasses import replace
from typing import Any

from polysilicon.lookups.preflight import Finding
from polysilicon.lookups.preflight.images import machine_images
from polysilicon.planning.requirements import MachineImageWanted
from tests.lookups.preflight.fleets import fleet, requirements
from tests.lookups.preflight.stubs import Stubbed

REGION = requirements(fleet(1)).regions[0]
NEWEST = MachineImageWanted("neuron-sdk-2-30", "x86_64", "Deep Learning Base Neuron AMI *", "*Neuron SDK 2.30.0*")
NAMED = MachineImageWanted("ami-0123456789abcdef0", "x86_64")


def found(image: MachineImageWanted, *rows: dict[str, Any]) -> Finding:
    """What preflight says of an image, where EC2 tells these."""
    filters = [{"Name": "architecture", "Values": ["x86_64"]}, {"Name": "state", "Values": ["available"]}]
    asked: dict[str, Any] = {
        "IncludeDeprecated": True,
        "Filters": [*filters, {"Name": "image-id", "Values": [image.key]}],
    }
    if image.name:
        kind = [{"Name": "name", "Values": [image.name]}, {"Name": "description", "Values": [image.description]}]
        asked = {"Owners": ["amazon"], "IncludeDeprecated": True, "Filters": [*filters, *kind]}
    stub = Stubbed("ec2")
    stub.expect("describe_images", {"Images": list(rows)}, asked)
    (finding,) = machine_images(replace(REGION, machine_images=(image,)), stub.clients)
    stub.done()
    return finding


def test_the_newest_of_its_kind_is_told() -> None:
    old = {"ImageId": "ami-1", "Name": "Deep Learning Base Neuron AMI 20260601", "CreationDate": "2026-06-01T00:00:00Z"}
    new = {"ImageId": "ami-2", "Name": "Deep Learning Base Neuron AMI 20260701", "CreationDate": "2026-07-01T00:00:00Z"}
    finding = found(NEWEST, new, old)
    assert (finding.status, finding.text) == ("ok", "ami-2 (Deep Learning Base Neuron AMI 20260701)")


def test_a_kind_of_which_there_is_none_fails() -> None:
    finding = found(NEWEST)
    assert finding.status == "fail"
    assert "Amazon has no image called 'Deep Learning Base Neuron AMI *', '*Neuron SDK 2.30.0*' here" in finding.text
    assert "servers.*.ami" in finding.fix


def test_an_image_that_is_named_is_looked_for_by_its_id() -> None:
    assert found(NAMED, {"ImageId": NAMED.key, "Name": "ours"}).status == "ok"
    assert found(NAMED).status == "fail"
