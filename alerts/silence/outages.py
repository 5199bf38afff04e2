"""Power or network out in an area: many of its gateways lost at about the same time.

A gateway fails by itself now and then. How likely it is that chance alone has silenced so many of
an area's gateways within one window is a binomial tail: three of a village's three count, and
three of a town's three thousand do not. Once an area is out it stays out while two of its
gateways are lost; whoever comes back leaves the list at once, and the last one, after a while, is
a home with a fault of its own.

An outage of areas with most of the county's gateways in them is one of the county: a network, or
our own way in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from scipy.special import bdtrc


class Lost(NamedTuple):
    """A gateway of which nothing is heard."""

    gateway: int
    since: datetime
    """When it was heard last."""


class Limits(NamedTuple):
    """What makes an outage."""

    at_least: int
    """Gateways, however few an area has."""
    within: timedelta
    """Between the first's and the last's being lost, to count as one event."""
    alone: float
    """Share of gateways that fail by themselves in such a time."""
    chance: float
    """An outage is what is less likely than this by chance."""
    ends_after: timedelta
    """How long fewer than two must be lost for it to be over."""


class Outage(msgspec.Struct, frozen=True):
    """An area that is out; kept in the state of the area's subject."""

    since: datetime
    """When the first of its gateways was heard last."""
    most: int
    """Gateways lost at its worst."""
    gateways: dict[int, datetime]
    """Those lost now, and when each was heard last."""
    ebbing_since: datetime | None = None
    """Since when fewer than two have been lost."""


_STAYS = 2
"""Gateways that keep an outage going. One is a home with a fault of its own."""


def chance(lost: int, watched: int, alone: float) -> float:
    """How likely at least `lost` of `watched` gateways fail by themselves in one window."""
    if lost <= 0:
        return 1.0
    return float(bdtrc(lost - 1, watched, alone)) if lost < watched else alone**watched


def together(lost: Sequence[Lost], within: timedelta) -> list[Lost]:
    """The most gateways that were lost within such a time, in order of time."""
    ordered = sorted(lost, key=lambda one: (one.since, one.gateway))
    best, first = (0, 0), 0
    for last, one in enumerate(ordered):
        while one.since - ordered[first].since > within:
            first += 1
        if last + 1 - first > best[1] - best[0]:
            best = (first, last + 1)
    return ordered[slice(*best)]


def follow(
    before: Outage | None,
    lost: Sequence[Lost],
    *,
    watched: int,
    now: datetime,
    limits: Limits,
) -> Outage | None:
    """The outage of one area after a survey; None: there is none.

    Args:
        before: what the last survey found.
        lost: the area's gateways that are lost now.
        watched: how many gateways of the area could be lost at all.
    """
    if before is None:
        event = together(lost, limits.within)
        if len(event) < limits.at_least:
            return None
        if chance(len(event), max(watched, len(event)), limits.alone) >= limits.chance:
            return None
        since = event[0].since
        return _outage(since, [one for one in lost if one.since >= since], 0, None)
    since = before.since - limits.within
    gone = [one for one in lost if one.gateway in before.gateways or one.since >= since]
    if len(gone) >= _STAYS:
        return _outage(before.since, gone, before.most, None)
    ebbing = before.ebbing_since or now
    if now - ebbing >= limits.ends_after:
        return None
    return _outage(before.since, gone, before.most, ebbing)


def _outage(since: datetime, gone: Sequence[Lost], most: int, ebbing: datetime | None) -> Outage:
    gateways = {one.gateway: one.since for one in sorted(gone)}
    return Outage(since, max(most, len(gateways)), gateways, ebbing)


def is_countywide(outages: Mapping[int, Outage], *, watched: int, share: float) -> bool:
    """Whether outages by area are one of the county: several areas, most gateways."""
    lost = sum(len(outage.gateways) for outage in outages.values())
    return len(outages) > 1 and lost >= share * watched
