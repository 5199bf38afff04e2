"""Who is at risk while nobody can be heard: those who live by a device, or by being heard.

From the registry: prescribed oxygen, conditions, and kinds of device. The list holds numbers of
subjects, never names; the web adds these for whoever may see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

MOST = 200
"""Clients listed; of the others there are the counts."""


class Need(NamedTuple):
    """What makes a client be at risk in an outage, and how it is told from the registry."""

    name: str
    conditions: frozenset[str] = frozenset()
    """As the registry calls them, in small letters."""
    devices: frozenset[str] = frozenset()
    """Kinds of device."""
    vital: bool = False
    """Somebody must look within the hour: it runs by mains, or fails unheard."""


NEEDS: Sequence[Need] = (
    Need(
        "ventilator",
        frozenset({"home ventilator", "ventilator", "tracheostomy"}),
        frozenset({"ventilator", "cpap", "bipap"}),
        vital=True,
    ),
    Need(
        "oxygen",
        frozenset({"oxygen concentrator", "home oxygen"}),
        frozenset({"concentrator", "oxygen_concentrator", "oxygen concentrator"}),
        vital=True,
    ),
    Need(
        "insulin_pump",
        frozenset({"insulin pump"}),
        frozenset({"insulin_pump", "insulin pump"}),
        vital=True,
    ),
    Need("dialysis", frozenset({"home dialysis", "dialysis"}), frozenset({"dialysis"}), vital=True),
    Need("help_button", devices=frozenset({"button", "pendant", "fall_detector"})),
    Need("dispenser", devices=frozenset({"dispenser", "medicine_dispenser"})),
)
"""The gravest first."""
VITAL = frozenset(need.name for need in NEEDS if need.vital)
DEVICES = sorted(frozenset[str]().union(*(need.devices for need in NEEDS)))
"""Kinds of device that any of these is told from."""
_RANK = {need.name: rank for rank, need in enumerate(NEEDS)}


class AtRisk(NamedTuple):
    """A client at risk, and why: names of NEEDS, the gravest first."""

    subject: int
    needs: tuple[str, ...]


def needs_of(
    *, oxygen: bool | None, conditions: Iterable[str], devices: Iterable[str]
) -> tuple[str, ...]:
    """What one client needs; empty: is not at risk beyond not being heard."""
    told = {condition.lower() for condition in conditions}
    has = {kind.lower() for kind in devices}
    return tuple(
        need.name
        for need in NEEDS
        if need.conditions & told or need.devices & has or (need.name == "oxygen" and oxygen)
    )


def params(clients: Iterable[AtRisk]) -> dict[str, Any]:
    """What a finding says of them: {at_risk: [{subject, needs}], needs: {name: clients}}."""
    ordered = sorted(clients, key=lambda one: (_RANK[one.needs[0]], one.subject))
    counts: dict[str, int] = {}
    for one in ordered:
        for need in one.needs:
            counts[need] = counts.get(need, 0) + 1
    return {
        "at_risk": [{"subject": one.subject, "needs": list(one.needs)} for one in ordered[:MOST]],
        "needs": {name: counts[name] for name in _RANK if name in counts},
    }


def is_vital(found: Mapping[str, Any]) -> bool:
    """Whether anybody among `params` lives by a device."""
    return bool(VITAL & found["needs"].keys())
