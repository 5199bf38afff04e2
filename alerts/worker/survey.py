"""The county as a whole, every few seconds: is an area out, or are we ourselves?

One query for the county, none per home: the gateways of which nothing is heard. Areas and Saimi
itself are subjects with ids below 0; their states, episodes and the list of gateways that an outage
has silenced change in one transaction. Homes look that list up (alerts.worker.load), and those whom
a change concerns are woken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from alerts.episodes.episodes import Change, Episode
from alerts.episodes.store import write_changes
from alerts.finding import Finding, Severity, rfc3339
from alerts.routing.escalating import begin
from alerts.rules.rule import Rules
from alerts.silence.causes import inhibited
from alerts.silence.outages import Limits, Lost, Outage, follow, is_countywide
from alerts.subjects import at_risk
from alerts.subjects.at_risk import AtRisk
from alerts.subjects.line import Line
from alerts.subjects.subject import Assessment, Context, Subject
from alerts.worker.load import load_episodes
from alerts.worker.looking import look
from alerts.worker.state import State
from core.clock import Clock
from core.database import Connection, load_queries

KEEP = timedelta(minutes=2)
"""Wall time that what the registry says is kept."""
TURN = 7241004
"""Advisory lock of the worker that surveys."""
SERVICE = -1
"""The subject that stands for Saimi itself (core/migrations: causes)."""

_log = structlog.get_logger()
_queries = load_queries("alerts")
_core = load_queries("core")


@dataclass(slots=True)
class _County:
    """What one survey has found."""

    lost: dict[int, list[Lost]] = field(default_factory=dict)
    """By area's subject."""
    outages: dict[int, Outage] = field(default_factory=dict)
    watched: dict[int, int] = field(default_factory=dict)
    """Gateways that could be lost, by area's subject."""
    at_risk: dict[int, list[AtRisk]] = field(default_factory=dict)
    """By gateway."""
    whole: int = 0
    """Gateways watched in all; counted only where areas are out."""

    def params(self, area: int, outage: Outage) -> dict[str, Any]:
        clients = [one for gateway in outage.gateways for one in self.at_risk.get(gateway, ())]
        return {
            "since": rfc3339(outage.since),
            "lost": len(outage.gateways),
            "watched": self.watched.get(area, 0),
            **at_risk.params(clients),
        }


@dataclass(slots=True)
class _Registered:
    """What the registry says, kept for a while: it changes seldom, and is asked for while much is
    out, when there is enough to do.
    """

    since: datetime | None = None
    watched: dict[int, int] = field(default_factory=dict)
    at_risk: dict[int, list[AtRisk]] = field(default_factory=dict)
    """By gateway; empty where nobody is."""


class Survey:
    """Looks at the county for one worker."""

    def __init__(self, *, clock: Clock, rules: Rules, delay: timedelta) -> None:
        self._clock = clock
        self._rules = rules
        self._delay = delay
        self._known = _Registered()

    def use(self, rules: Rules) -> None:
        """Go by other rules from the next survey on."""
        self._rules = rules

    async def run(self, connection: Connection, *, wall: datetime) -> int:
        """One survey, unless another worker is at it; how many episodes changed.

        Args:
            wall: real time now, against which heartbeats are held.
        """
        async with connection.transaction():
            if not await _queries.survey_turn(connection, turn=TURN):
                return 0
            now = self._clock.now()
            line = msgspec.convert(await _queries.read_line(connection) or {}, Line)
            if line.alive_at is None:
                return 0  # nothing was ever heard
            context = Context(now=now, rules=self._rules, line=line, delay=self._delay)
            if self._known.since is None or not timedelta(0) <= wall - self._known.since < KEEP:
                self._known = _Registered(wall)
            county = _County()
            # While we are deaf nobody's silence grows (alerts.subjects.line): all stands as it was.
            await self._find_lost(connection, county, line)
            known = [row["subject"] async for row in _queries.outage_states(connection)]
            subjects = sorted({SERVICE, *known, *self._suspects(county)})
            states = await self._lock(connection, subjects)
            await self._follow(connection, county, states, now)
            episodes = await load_episodes(connection, subjects, now=now)
            findings = {area: self._area(county, area) for area in county.outages}
            findings[SERVICE] = await self._service(connection, county, line, wall)
            changes = self._look(subjects, findings, states, episodes, context)
            await _queries.write_states(
                connection,
                subjects=subjects,
                # The next survey looks at all of them: there is nothing to be due before.
                due=[None] * len(subjects),
                states=[states[subject].write() for subject in subjects],
                now=now,
            )
            ids = await write_changes(connection, changes, now=now)
            await begin(connection, changes, ids, now=now)
            await self._mark(connection, county, now)
        return len(changes)

    def _suspects(self, county: _County) -> list[int]:
        """Areas of which so many gateways are lost that it may be an outage."""
        least = self._limits().at_least
        return [area for area, lost in county.lost.items() if len(lost) >= least]

    def _limits(self) -> Limits:
        limits = self._rules["area_outage"].limits
        return Limits(
            at_least=int(limits["at_least"]),
            within=timedelta(minutes=limits["within_min"]),
            alone=limits["alone_per_1000"] / 1000,
            chance=limits["chance_per_million"] / 1e6,
            ends_after=timedelta(minutes=limits["ends_after_min"]),
        )

    async def _find_lost(self, connection: Connection, county: _County, line: Line) -> None:
        intervals = [row["silent_after"] async for row in _queries.expected_intervals(connection)]
        cuts = [line.before(interval + self._delay) for interval in intervals]
        lost_for = timedelta(minutes=self._rules["area_outage"].limits["lost_min"])
        gone_before = line.before(lost_for + self._delay)
        if gone_before is None or None in cuts:
            return
        rows = _queries.lost_gateways(
            connection, intervals=intervals, cuts=cuts, gone_before=gone_before
        )
        async for row in rows:
            lost = Lost(row["gateway"], row["heard_at"])
            county.lost.setdefault(row["area"], []).append(lost)

    async def _lock(self, connection: Connection, subjects: list[int]) -> dict[int, State]:
        await _queries.add_states(connection, subjects=subjects)
        states = {}
        async for row in _queries.lock_states(connection, subjects=subjects):
            try:
                states[row["subject"]] = State.read(row["state"])
            except msgspec.ValidationError:
                # Another version's: what is out is found anew.
                _log.warning("state of an area could not be read", subject=row["subject"])
                states[row["subject"]] = State()
        return states

    async def _follow(
        self, connection: Connection, county: _County, states: Mapping[int, State], now: datetime
    ) -> None:
        suspects = set(self._suspects(county))
        out = [
            area
            for area, state in states.items()
            if area != SERVICE and (state.outage is not None or area in suspects)
        ]
        if not out:
            return
        known = self._known
        if not known.watched:
            async for row in _queries.watched_gateways(connection):
                known.watched[row["area"]] = row["gateways"]
        county.watched, county.whole = known.watched, sum(known.watched.values())
        for area in out:
            state = states[area]
            state.outage = follow(
                state.outage,
                county.lost.get(area, ()),
                watched=county.watched.get(area, 0),
                now=now,
                limits=self._limits(),
            )
            if state.outage is not None:
                county.outages[area] = state.outage
        silenced = {gateway for one in county.outages.values() for gateway in one.gateways}
        unknown = sorted(silenced - known.at_risk.keys())
        if unknown:
            known.at_risk.update((gateway, []) for gateway in unknown)
            rows = _queries.at_risk(connection, gateways=unknown, kinds=at_risk.DEVICES)
            async for row in rows:
                if needs := _needs(row):
                    known.at_risk[row["gateway"]].append(AtRisk(row["subject"], needs))
        county.at_risk = {gateway: known.at_risk[gateway] for gateway in silenced}

    def _area(self, county: _County, area: int) -> list[Finding]:
        params = county.params(area, county.outages[area])
        finding = self._finding("area_outage", params, origin="area")
        return [inhibited(finding, "county_outage") if self._countywide(county) else finding]

    def _countywide(self, county: _County) -> bool:
        share = self._rules["county_outage"].limits["share_pct"] / 100
        return is_countywide(county.outages, watched=county.whole, share=share)

    async def _service(
        self, connection: Connection, county: _County, line: Line, wall: datetime
    ) -> list[Finding]:
        """What is the matter with the county, and with Saimi."""
        findings = []
        if self._countywide(county):
            clients = [one for found in county.at_risk.values() for one in found]
            params = {
                "since": rfc3339(min(one.since for one in county.outages.values())),
                "lost": sum(len(one.gateways) for one in county.outages.values()),
                "watched": county.whole,
                "areas": len(county.outages),
                **at_risk.params(clients),
            }
            findings.append(self._finding("county_outage", params, origin="county"))
        ingest: datetime | None = await _core.last_beat(connection, service="ingest")
        after = timedelta(seconds=self._rules["own_outage"].limits["after_s"])
        if ingest is None or wall - ingest > after:
            clients = []
            rows = _queries.at_risk(connection, gateways=None, kinds=at_risk.DEVICES)
            async for row in rows:
                if needs := _needs(row):
                    clients.append(AtRisk(row["subject"], needs))
            since = line.alive_at
            assert since is not None  # noqa: S101 - run() has looked
            params = {"since": rfc3339(since), **at_risk.params(clients)}
            findings.append(self._finding("own_outage", params, origin="own"))
        return findings

    def _finding(self, name: str, params: dict[str, Any], *, origin: str) -> Finding:
        """Urgent at least where somebody lives by a device that may have stopped."""
        rule = self._rules[name]
        severity = rule.severity
        if at_risk.is_vital(params):
            severity = max(severity, int(Severity.URGENT))
        return Finding(
            kind=rule.kind,
            origin=origin,
            rule=rule.id,
            severity=severity,
            pages=severity if rule.on else 0,
            key=name,
            params=params,
        )

    def _look(
        self,
        subjects: list[int],
        findings: Mapping[int, list[Finding]],
        states: Mapping[int, State],
        episodes: Mapping[int, list[Episode]],
        context: Context,
    ) -> list[tuple[int, Change]]:
        changes: list[tuple[int, Change]] = []
        for ident in subjects:
            subject = Subject(ident, "service" if ident == SERVICE else "area")
            assessment = Assessment(findings=list(findings.get(ident, ())))
            outcome = look(
                subject, assessment, states[ident], episodes.get(ident, []), context, present=True
            )
            changes.extend((ident, change) for change in outcome)
        return changes

    async def _mark(self, connection: Connection, county: _County, now: datetime) -> None:
        """Write down which gateways are silenced, and wake the homes that this concerns."""
        wanted = {
            gateway: (area, since)
            for area, outage in county.outages.items()
            for gateway, since in outage.gateways.items()
        }
        stored = {
            row["gateway"]: (row["cause"], row["since"])
            async for row in _queries.marked_gateways(connection)
        }
        if wanted == stored:
            return
        gone = sorted(stored.keys() - wanted.keys())
        new = {one: wanted[one] for one in sorted(wanted) if stored.get(one) != wanted[one]}
        await _queries.unmark_gateways(connection, gateways=gone)
        await _queries.mark_gateways(
            connection,
            gateways=list(new),
            causes=[area for area, _ in new.values()],
            since=[since for _, since in new.values()],
        )
        still = {one.gateway for lost in county.lost.values() for one in lost}
        released = [gateway for gateway in gone if gateway in still]
        explained = [gateway for gateway in new if gateway not in stored]
        await _queries.wake_homes(connection, gateways=released, alerted=False, now=now)
        await _queries.wake_homes(connection, gateways=explained, alerted=True, now=now)


def _needs(row: Any) -> tuple[str, ...]:
    return at_risk.needs_of(
        oxygen=row["oxygen_prescribed"], conditions=row["conditions"], devices=row["devices"]
    )
