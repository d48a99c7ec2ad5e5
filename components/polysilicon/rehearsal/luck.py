"""What came in time by luck alone: something needed it that nothing in the program makes wait for it.

A cloud takes as long as it likes, so a program that worked once may fail the next time. What a resource was found to
need, at the moment when it was made, is held against the dependencies in the state; this finds every forgotten one,
where an order of creation can show one at a time. On a destroy the same dependencies are the order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Need:
    """What was there when a resource was made, that it could not do without.

    Attributes:
        urn: The resource.
        ways: Any of these would do, and each only as a whole: URNs of what was made in the same operation.
        why: What goes wrong without.
        retried: Whether it is tried again until it works, as nodes do that cannot pull an image: then nothing fails
            that comes in time, and it is told as a note.
    """

    urn: str
    ways: Sequence[frozenset[str]]
    why: str
    retried: bool = False


class Held(Protocol):
    """A resource in the state."""

    @property
    def urn(self) -> str: ...
    @property
    def links(self) -> Iterator[str]:
        """The URNs of all that was made before it for sure."""


def needs_of(judges: Iterable[object]) -> list[Need]:
    """What the judges that look for needs have found."""
    return [need for judge in judges for need in getattr(judge, "needs", ())]


def by_luck(needs: Iterable[Need], resources: Iterable[Held], retried: bool = False) -> list[str]:
    """A sentence for each need of which nothing in the state makes sure, each told once.

    Args:
        retried: Of those that are tried again, or of the others.
    """
    links = {resource.urn: frozenset(resource.links) for resource in resources}
    surely: dict[str, set[str]] = {}
    told: dict[str, None] = {}
    for need in needs:
        if need.retried is not retried or need.urn not in links or not all(way <= links.keys() for way in need.ways):
            continue  # it is not, or not all, in this stack
        if need.urn not in surely:
            surely = {need.urn: _before(need.urn, links)}  # the needs of one resource stand together
        sure = surely[need.urn]
        if not any(way <= sure for way in need.ways):
            told.setdefault(
                _sentence(need, min((way - sure for way in need.ways), key=lambda way: (len(way), sorted(way))))
            )
    return sorted(told)


def _before(urn: str, links: dict[str, frozenset[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [urn]
    while waiting:
        for other in links.get(waiting.pop(), frozenset()) - found:
            found.add(other)
            waiting.append(other)
    return found


def _sentence(need: Need, missing: frozenset[str]) -> str:
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for urn in sorted(missing):
        kinds[_kind(urn)].append(_name(urn))
    what = " and ".join(f"{kind} {', '.join(names)}" for kind, names in sorted(kinds.items()))
    return (
        f"{_kind(need.urn)} {_name(need.urn)} came after {what} by luck alone: nothing makes it wait, and without "
        f"{need.why}. Let it depend on that (depends_on)"
    )


def _kind(urn: str) -> str:
    return urn.split("::")[2].rsplit(":", 1)[-1]


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]
