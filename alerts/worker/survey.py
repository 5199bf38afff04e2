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

from alerts.episodes.episode import Change, Episode
from alerts.episodes.store import write_changes
from alerts.finding import Finding, rfc3339
from alerts.routing.escalating import begin
from alerts.rules.rule import Rules
from alerts.silence.county import SERVICE, County, outage_finding
from alerts.silence.outages import Lost
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
TURN = 7241012
"""Advisory lock of the worker that surveys."""

_log = structlog.get_logger()
_queries = load_queries("alerts")
_core = load_queries("core")


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
            county = County()
            # While we are deaf nobody's silence grows (alerts.subjects.line): all stands as it was.
            await self._find_lost(connection, county, line)
            known = [row["subject"] async for row in _queries.outage_states(connection)]
            subjects = sorted({SERVICE, *known, *county.suspects(self._rules)})
            states = await self._lock(connection, subjects)
            await self._follow(connection, county, states, now)
            episodes = await load_episodes(connection, subjects, now=now)
            findings = county.findings(self._rules)
            own = await self._own_outage(connection, line, wall)
            findings.setdefault(SERVICE, []).extend(own)
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

    async def _find_lost(self, connection: Connection, county: County, line: Line) -> None:
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
        self, connection: Connection, county: County, states: Mapping[int, State], now: datetime
    ) -> None:
        suspects = set(county.suspects(self._rules))
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
        county.watched = known.watched
        for area in out:
            county.follow(area, states[area].outage, now, self._rules)
            states[area].outage = county.outages.get(area)
        unknown = sorted(county.silenced - known.at_risk.keys())
        if unknown:
            known.at_risk.update((gateway, []) for gateway in unknown)
            rows = _queries.at_risk(connection, gateways=unknown, kinds=at_risk.DEVICES)
            async for row in rows:
                if needs := _needs(row):
                    known.at_risk[row["gateway"]].append(AtRisk(row["subject"], needs))
        county.at_risk = known.at_risk

    async def _own_outage(
        self, connection: Connection, line: Line, wall: datetime
    ) -> list[Finding]:
        """Whether Saimi itself takes nothing in, and who is at risk by that."""
        ingest: datetime | None = await _core.last_beat(connection, service="ingest")
        after = timedelta(seconds=self._rules["own_outage"].limits["after_s"])
        if ingest is not None and wall - ingest <= after:
            return []
        rows = _queries.at_risk(connection, gateways=None, kinds=at_risk.DEVICES)
        clients = [AtRisk(row["subject"], needs) async for row in rows if (needs := _needs(row))]
        since = line.alive_at
        assert since is not None  # noqa: S101 - run() has looked
        params = {"since": rfc3339(since), **at_risk.params(clients)}
        return [outage_finding("own_outage", self._rules, params, origin="own")]

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

    async def _mark(self, connection: Connection, county: County, now: datetime) -> None:
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
