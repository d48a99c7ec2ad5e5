"""The network between nodes: which interfaces a machine gets for EFA, and what pods must ask for to use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from polysilicon.catalog.rows import Machine
from polysilicon.planning.landing import PodPatch
from polysilicon.planning.problems import refuse

EFA_RESOURCE = "vpc.amazonaws.com/efa"
_HUGE_PAGES_MIB = 5120
"""The EFA driver sets aside 5,128 pages of 2 MiB; pods ask for 5120Mi: awsdocs/amazon-eks-user-guide
ml/node-efa.adoc."""
_EFA_ENV: Mapping[str, str] = {
    "FI_PROVIDER": "efa",
    # A prefix list that excludes: the address of EKS Pod Identity is on an interface of its own, which leads to no
    # other node, and NCCL hangs when it picks that one (aws-samples/aws-do-eks issue 54).
    "NCCL_SOCKET_IFNAME": "^docker,lo,veth,pod-id-link",
}


@dataclass(frozen=True)
class Interface:
    """A network interface of a launch template."""

    card: int
    device: int
    type: Literal["interface", "efa", "efa-only"]


def efa_interfaces(machine: Machine) -> tuple[Interface, ...]:
    """All EFA interfaces that a machine can have; empty where it has none.

    Card 0 carries the IP traffic. Further cards get interfaces without an address (`efa-only`), which would only use up
    the subnet. Interfaces are counted by the machine's own number of EFAs, not by its cards: on p6-b300.48xlarge card 0
    takes none (docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html).
    """
    if not machine.efa_interfaces:
        return ()
    first = Interface(0, 0, "efa" if machine.efa_on_first_card else "interface")
    further = machine.efa_interfaces - machine.efa_on_first_card
    return (first, *(Interface(card, 1, "efa-only") for card in range(1, further + 1)))


def require_efa(name: str, machine: Machine, with_efa: tuple[str, ...]) -> None:
    """Raises `SpecError` where EFA is asked for on a machine without it."""
    if machine.efa_interfaces:
        return
    fix = f"take efa: false, or a machine with EFA: {', '.join(with_efa)}" if with_efa else "take efa: false"
    raise refuse("efa", f"got true, but {name} has no EFA", fix)


def efa_patch(machine: Machine) -> PodPatch:
    """What a pod on all EFAs of a node asks for."""
    return PodPatch(
        resources={EFA_RESOURCE: str(machine.efa_interfaces), "hugepages-2Mi": f"{_HUGE_PAGES_MIB}Mi"},
        env=_EFA_ENV,
    )
