"""From what is not heard to the desk's figures of homes: heard, silent, out, explained. Pure.

    out        an outage above the home has silenced it (alerts.silence.outages)
    silent     by itself: its gateway says nothing, or hears none of its devices
    explained  silent, and a pause or somebody's absence explains it: nobody is called
    heard      all others that have a gateway

Each home is counted once. Devices that are silent in homes that are heard are counted beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts.silence.causes import GATEWAY
from alerts.subjects.at_risk import is_vital
from web.values import as_time


@dataclass(frozen=True, slots=True)
class Silence:
    """One open alert of silence, and nobody's name."""

    id: int
    severity: int
    opened_at: datetime
    home: int
    area: int
    of_home: bool
    """Of a home, and not of one client's device."""
    summary: Mapping[str, Any]
    taken: bool = False

    @property
    def whole(self) -> bool:
        """Nothing is heard of the home."""
        return self.of_home and self.summary.get("key") in GATEWAY

    @property
    def explained(self) -> bool:
        """By a higher cause, or a pause."""
        return "inhibited_by" in self.summary

    @property
    def needs(self) -> Mapping[str, int]:
        """By what people at risk live there: {need: clients}, as alerts.subjects.at_risk."""
        return (self.summary.get("params") or {}).get("needs") or {}

    @property
    def vital(self) -> bool:
        """Somebody there lives by a device that may have stopped."""
        return is_vital({"needs": self.needs})

    @property
    def since(self) -> datetime:
        """When the home was heard last; if never, when that was noticed."""
        return as_time((self.summary.get("params") or {}).get("last")) or self.opened_at


@dataclass(slots=True)
class Homes:
    """Of one area."""

    homes: int = 0
    """With a gateway."""
    silent: int = 0
    out: int = 0
    explained: int = 0
    devices: int = 0
    """Alerts of silent devices."""

    @property
    def heard(self) -> int:
        """Of `homes`, those of which nothing is the matter."""
        return max(0, self.homes - self.silent - self.out - self.explained)


@dataclass(slots=True)
class Tally:
    """Of the county at one moment."""

    county: Homes
    areas: dict[int, Homes]
    silent: list[Silence] = field(default_factory=list)
    """Silent homes: those whose people live by a device first, then others at risk, then the
    longest silent."""


def tally(homes: Mapping[int, int], out: Mapping[int, int], silences: Iterable[Silence]) -> Tally:
    """Count.

    Args:
        homes: with a gateway, by area; every area is there.
        out: homes that an outage has silenced, and the area of each.
        silences: open alerts of silence.
    """
    found = Tally(Homes(sum(homes.values())), {area: Homes(of) for area, of in homes.items()})
    silent: dict[int, Silence] = {}
    for one in silences:
        rows = (found.county, found.areas.setdefault(one.area, Homes()))
        if not one.whole:
            for row in rows:
                row.devices += not one.explained
        elif one.home not in out and one.home not in silent:
            silent[one.home] = one
            for row in rows:
                row.explained += one.explained
                row.silent += not one.explained
    for area in out.values():
        for row in (found.county, found.areas.setdefault(area, Homes())):
            row.out += 1
    found.silent = sorted(
        (one for one in silent.values() if not one.explained),
        key=lambda one: (not one.vital, not one.needs, one.since, one.id),
    )
    return found
