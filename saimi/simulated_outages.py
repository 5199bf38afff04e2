"""Outages of areas in simulated homes: when they truly were, and what the alerts tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from alerts.backtest.history import Person
from alerts.backtest.memory import Replayed
from alerts.backtest.truth import ALERT, CALLS, median
from alerts.silence.county import SERVICE
from gateway_sim.ledger import TruthFault

STORED = ("coverage", "power_cut")
"""Faults of a gateway in which what is measured stays in the home."""
LEAST = 3
"""Gateways of an area without power or network at once, of which some device is listened for."""


class AreaOut(NamedTuple):
    """An area of which homes are out together."""

    area: int
    """Its subject."""
    start: datetime
    end: datetime
    homes: frozenset[int]
    """The subjects of the homes that were out at any time of it."""


class OutageFigures(msgspec.Struct, frozen=True):
    """How alerts told of areas that were out."""

    outages: int
    told: int
    """By an alert of the area or of the county, before it was over."""
    median_minutes: float | None
    """From the first home's going out to that alert."""
    false: int
    """Alerts of an outage where there was none."""
    homes: int
    """In these outages; one that is out in two counts twice."""
    calls: int
    """Calls that these homes' own silence made meanwhile."""
    at_risk: int
    """Clients at risk in these homes."""
    named: int
    """Of them, those whom an alert that was raised meanwhile names."""


def areas_out(
    faults: Iterable[TruthFault], homes: Mapping[str, int], people: Mapping[int, Person]
) -> list[AreaOut]:
    """The times in which at least LEAST listened homes of an area were out at once.

    Args:
        homes: the subject of each gateway's home, of those that are listened to.
    """
    turns: dict[int, list[tuple[float, int, int]]] = {}
    for fault in faults:
        if fault.kind in STORED and not fault.device and fault.gateway in homes:
            home = homes[fault.gateway]
            area = turns.setdefault(people[home].area, [])
            area += [(fault.start, 1, home), (fault.end, -1, home)]
    found = []
    for area_subject, events in sorted(turns.items()):
        out: dict[int, int] = {}
        since: float | None = None
        met: set[int] = set()
        for at, turn, home in sorted(events):
            out[home] = out.get(home, 0) + turn
            now = {one for one, count in out.items() if count > 0}
            met |= now if since is not None else set()
            if since is None and len(now) >= LEAST:
                since, met = at, set(now)
            elif since is not None and len(now) < LEAST:
                found.append(AreaOut(area_subject, _moment(since), _moment(at), frozenset(met)))
                since = None
    return found


def outage_figures(
    episodes: Sequence[Replayed],
    outages: Sequence[AreaOut],
    people: Mapping[int, Person],
    *,
    start: datetime,
    end: datetime,
) -> OutageFigures:
    """Of outages that begin and end at start <= time < end."""
    outages = [one for one in outages if start <= one.start and one.end < end]
    told = [one for one in episodes if one.kind == "outage"]
    minutes, homes, calls, at_risk, named = [], 0, 0, 0, 0
    for out in outages:
        heard = [
            at
            for one in told
            if one.subject in (out.area, SERVICE)
            for at in _calls(one)
            if out.start <= at < out.end
        ]
        if heard:
            minutes.append((min(heard) - out.start) / timedelta(minutes=1))
        risk = {one.subject for home in out.homes for one in people[home].at_risk}
        during = [
            one
            for one in episodes
            if one.subject in {*out.homes, out.area, SERVICE}
            and one.kind in ("outage", "silence")
            and one.opened_at < out.end
            and (one.cleared_at is None or one.cleared_at >= out.start)
        ]
        homes += len(out.homes)
        calls += sum(
            out.start <= at < out.end
            for one in during
            if one.subject in out.homes
            for at in _calls(one)
        )
        at_risk += len(risk)
        named += len(risk & {client for one in during for client in one.at_risk})
    false = sum(
        not any(one.subject in (out.area, SERVICE) and out.start <= at < out.end for out in outages)
        for one in told
        for at in _calls(one)[:1]
        if start <= at < end
    )
    return OutageFigures(
        len(outages), len(minutes), median(sorted(minutes)), false, homes, calls, at_risk, named
    )


def pooled_outages(parts: Sequence[OutageFigures]) -> OutageFigures:
    """Several recordings as one; the median is that of their medians."""
    known = sorted(one.median_minutes for one in parts if one.median_minutes is not None)
    names = ("outages", "told", "false", "homes", "calls", "at_risk", "named")
    sums = {name: sum(getattr(one, name) for one in parts) for name in names}
    return OutageFigures(median_minutes=median(known), **sums)


def _calls(episode: Replayed) -> list[datetime]:
    return [one.at for one in episode.events if one.what in CALLS and one.severity >= ALERT]


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
