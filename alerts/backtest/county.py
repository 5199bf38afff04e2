"""Outages of areas in the replay: what a survey of the county finds, and whom that concerns.

A gateway counts as heard when any of its listened devices was received, and is lost when that is
longer ago than the shortest time within which one of them is expected; or minutes after the broker
said that it is gone, where history holds that (`History.gone`): the database keeps only the last.

A survey in life comes every ten seconds, here at multiples of `every` (alerts.backtest.stops.Pace),
and only while it could find anything: some gateways of an area are lost, or something stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from alerts.backtest.ears import Ears
from alerts.backtest.history import History, micros, moment
from alerts.backtest.memory import Known
from alerts.finding import Finding
from alerts.rules.shipped import Rules
from alerts.silence.county import County, limits_of
from alerts.silence.outages import Lost
from alerts.subjects.at_risk import AtRisk
from alerts.subjects.line import Line

KINDS = frozenset({"area", "service"})
"""Kinds of subject that only a survey looks at."""


@dataclass(frozen=True, slots=True)
class _Gateway:
    name: str
    area: int
    """The subject of its area."""
    people: tuple[int, ...]
    """The subjects of its home."""
    heard_at: datetime
    """For the first time."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """A time in which a gateway was not heard for so long that it may be lost."""

    begins: datetime
    gateway: int
    since: datetime
    """When it was heard last."""
    wait: timedelta
    """What counts as lost is longer than this."""
    until: datetime | None
    """When it was heard again; None: never."""


class Surveys:
    """The county as the surveys of a replay find it."""

    def __init__(
        self,
        history: History,
        ears: Ears,
        known: Mapping[int, Known],
        rules: Rules,
        *,
        delay: timedelta,
        every: timedelta,
    ) -> None:
        self._known, self._rules, self._every = known, rules, every
        self._gateways: dict[int, _Gateway] = {}
        self._at_risk: dict[int, list[AtRisk]] = {}
        self._subjects = [n for n, one in known.items() if one.person.kind in KINDS]
        gaps: list[_Gap] = []
        by_name: dict[str, list[int]] = {}
        for place, device in enumerate(history.devices):
            by_name.setdefault(device.gateway, []).append(place)
        for number, (name, places) in enumerate(by_name.items(), 1):
            devices = [history.devices[place] for place in places]
            people = devices[0].watchers
            home = next((one for n in people if (one := history.people[n]).kind == "home"), None)
            heard = ears.received([device.id for device in devices])
            if home is None or home.area not in known or not len(heard):
                continue
            expected = min(device.silent_after for device in devices) + delay
            first = moment(int(heard[0]))
            self._gateways[number] = _Gateway(name, home.area, people, first)
            self._at_risk[number] = list(home.at_risk)
            gaps += _gaps(number, heard, expected, history)
            wait = timedelta(minutes=rules["area_outage"].limits["lost_min"]) + delay
            gaps += [
                _Gap(max(since + wait, history.start), number, since, wait, until)
                for since, until in history.gone.get(name, ())
                if until - since > wait and until > history.start
            ]
        self._gaps = sorted(gaps, key=lambda gap: (gap.begins, gap.gateway))
        self._next = 0
        self._quiet: list[_Gap] = []
        """Those that are on now."""
        self._awake_at: datetime | None = None
        self._marked: set[int] = set()
        self.lost: dict[int, frozenset[str]] = {}
        """By subject, the gateways of its home that an outage has silenced."""

    def next_at(self) -> datetime | None:
        """When a survey may find what the last one did not."""
        gap = self._gaps[self._next].begins if self._next < len(self._gaps) else None
        at = min((one for one in (gap, self._awake_at) if one is not None), default=None)
        if at is None:
            return None
        size = self._every // timedelta(microseconds=1)
        return moment(-(-micros(at) // size) * size)

    def run(self, now: datetime, line: Line) -> tuple[dict[int, list[Finding]], set[int]]:
        """What is the matter with areas and the county, by subject; and who is to look anew."""
        self._move(now)
        county = County(at_risk=self._at_risk)
        lost: dict[int, datetime] = {}
        for gap in self._quiet:
            cut = line.before(gap.wait)
            if cut is not None and gap.since < cut:
                lost[gap.gateway] = min(gap.since, lost.get(gap.gateway, gap.since))
        for number, since in lost.items():
            area = self._gateways[number].area
            county.lost.setdefault(area, []).append(Lost(number, since))
        self._follow(county, now)
        woken = self._mark(county)
        self._awake_at = now + timedelta(microseconds=1) if self._is_awake(county) else None
        found = county.findings(self._rules)
        return {number: found.get(number, []) for number in self._subjects}, woken

    def _move(self, now: datetime) -> None:
        while self._next < len(self._gaps) and self._gaps[self._next].begins <= now:
            self._quiet.append(self._gaps[self._next])
            self._next += 1
        self._quiet = [gap for gap in self._quiet if gap.until is None or gap.until > now]

    def _follow(self, county: County, now: datetime) -> None:
        out = {n for n in self._subjects if self._known[n].state.outage is not None}
        areas = out | set(county.suspects(self._rules))
        if not areas:
            return
        watched: dict[int, int] = {}
        for one in self._gateways.values():
            if one.heard_at <= now:
                watched[one.area] = watched.get(one.area, 0) + 1
        county.watched = watched
        for area in sorted(areas):
            state = self._known[area].state
            county.follow(area, state.outage, now, self._rules)
            state.outage = county.outages.get(area)

    def _mark(self, county: County) -> set[int]:
        """Keep which gateways are silenced; whom a change concerns."""
        silenced = county.silenced
        if silenced == self._marked:
            return set()
        still = {one.gateway for lost in county.lost.values() for one in lost}
        released = (self._marked - silenced) & still
        explained = silenced - self._marked
        self._marked = silenced
        self.lost = {}
        for number in sorted(silenced):
            gateway = self._gateways[number]
            for subject in gateway.people:
                self.lost[subject] = self.lost.get(subject, frozenset()) | {gateway.name}
        return {
            subject
            for number in released | explained
            for subject in self._gateways[number].people
            if number in released or self._is_told_silent(subject)
        }

    def _is_told_silent(self, subject: int) -> bool:
        return any(
            kind == "silence" and episode.cleared_at is None
            for (kind, _), (episode, _) in self._known[subject].open.items()
        )

    def _is_awake(self, county: County) -> bool:
        """Whether the next survey may find something though no gateway falls silent."""
        quiet: dict[int, int] = {}
        for number in {gap.gateway for gap in self._quiet}:
            area = self._gateways[number].area
            quiet[area] = quiet.get(area, 0) + 1
        least = limits_of(self._rules).at_least
        return (
            bool(county.outages)
            or max(quiet.values(), default=0) >= least
            or any(
                one.state.beyond or any(e.cleared_at is None for e, _ in one.open.values())
                for one in (self._known[number] for number in self._subjects)
            )
        )


def _gaps(
    gateway: int,
    heard: np.ndarray[tuple[int], np.dtype[np.int64]],
    expected: timedelta,
    history: History,
) -> list[_Gap]:
    """Gaps in what was received that end after the stretch begins."""
    longest, end = expected // timedelta(microseconds=1), micros(history.end)
    found = []
    for last in [*np.flatnonzero(np.diff(heard) > longest).tolist(), len(heard) - 1]:
        since = int(heard[last])
        until = int(heard[last + 1]) if last + 1 < len(heard) else None
        if since + longest < end and (until is None or until > micros(history.start)):
            begins = max(moment(since + longest), history.start)
            again = None if until is None else moment(until)
            found.append(_Gap(begins, gateway, moment(since), expected, again))
    return found
