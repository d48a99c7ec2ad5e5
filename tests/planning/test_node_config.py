"""User data of EKS nodes, word for word: what a node is told is not changed by accident."""

from __future__ import annotations

import email
from pathlib import Path

import pytest
import yaml

from polysilicon.planning.node_config import node_config

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(("raid", "parallel"), [(True, True), (True, False), (False, True)])
def test_it_is_what_was_agreed(raid: bool, parallel: bool) -> None:
    name = "-".join(word for word, on in (("raid", raid), ("parallel", parallel)) if on)
    assert node_config(raid=raid, parallel_pulls=parallel) == (GOLDEN / f"node-config-{name}.mime").read_text()


def test_it_is_mime_with_one_node_config() -> None:
    message = email.message_from_string(node_config(raid=True, parallel_pulls=True) or "")
    (part,) = message.get_payload()  # type: ignore[misc]
    assert isinstance(part, email.message.Message)
    assert part.get_content_type() == "application/node.eks.aws"
    told = yaml.safe_load(str(part.get_payload()))
    assert (told["apiVersion"], told["kind"]) == ("node.eks.aws/v1alpha1", "NodeConfig")
    assert told["spec"] == {
        "instance": {"localStorage": {"strategy": "RAID0"}},
        "featureGates": {"FastImagePull": True},
    }


def test_it_never_starts_kubelet_itself() -> None:  # aws trap 16
    assert "bootstrap" not in (node_config(raid=True, parallel_pulls=True) or "")
