"""What an EKS node is told when it starts, beside what EKS or Karpenter tells it itself."""

from __future__ import annotations

from polysilicon.catalog.rows import Machine
from polysilicon.specs import EksPoolSpec
from polysilicon.templates import render

_FAST_PULL_VCPUS = 8
"""Parallel pulls want a 2xlarge at least: awslabs/amazon-eks-ami@81fec2e nodeadm/doc/examples.md."""
FAST_PULL_MIB_S = 600
"""And a root disk that is as quick, or they gain nothing: the same page."""


def pulls_in_parallel(machine: Machine) -> bool:
    """Whether layers of images are fetched and unpacked at once on this machine."""
    return machine.vcpus >= _FAST_PULL_VCPUS


def local_disks(spec: EksPoolSpec, machine: Machine) -> bool:
    """Whether the machine's own disks hold images, logs and what pods write."""
    return spec.local_disks == "raid0" and machine.local_nvme_gib > 0


def node_config(*, raid: bool, parallel_pulls: bool) -> str | None:
    """User data as MIME multipart with a NodeConfig, to which whoever starts the node adds the cluster's part; None
    where nothing is to be said.

    Args:
        raid: One fast disk of the machine's own disks, for images, logs and what pods write.
        parallel_pulls: Layers of images are fetched and unpacked at once.
    """
    if not raid and not parallel_pulls:
        return None
    return render("aws/node_config.mime.j2", raid=raid, parallel=parallel_pulls)
