"""Reads what the rules need of a whole batch of subjects: a few statements, none per subject."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alerts.episodes.episode import Episode
from alerts.finding import Reading
from alerts.rules.rule import Rules
from alerts.silence.pauses import MEASURED, MOVEMENT, Known, bearing
from alerts.silence.silence import PORTABLE
from alerts.subjects.at_risk import DEVICES, AtRisk, needs_of
from alerts.subjects.events import EVENTS
from alerts.subjects.own_rules import set_own
from alerts.subjects.subject import Client, Device, Limit, Subject
from alerts.worker.newest import AHEAD, LONGEST_VALIDITY, load_newest
from alerts.worker.state import State
from core.catalogue import catalogue
from core.database import Connection, load_queries
from core.record import EMPTY, Record

COMINGS = timedelta(days=2)
"""How far back a front door explains a silence."""

Range = tuple[datetime, datetime]
_queries = load_queries("alerts")


async def load_subjects(
    connection: Connection,
    ids: Sequence[int],
    *,
    present: Collection[int],
    now: datetime,
    rules: Rules,
) -> dict[int, Subject]:
    """Who the subjects are, and the newest valid readings of those in `present`."""
    subjects: dict[int, Subject] = {}
    async for row in _queries.subjects(connection, subjects=list(ids)):
        subject = Subject(row["id"], row["kind"], client_of(row))
        subjects[subject.id] = subject
    await _load_residents(connection, subjects)
    for subject in subjects.values():
        set_own(subject, rules)
    await _load_pauses(connection, subjects, now)
    await _load_lost(connection, subjects)
    taken = [one for one in subjects.values() if one.id in present]
    await load_newest(connection, taken, now)
    await _load_signs(connection, [one for one in taken if one.away is not None], now)
    return subjects


async def _load_lost(connection: Connection, subjects: Mapping[int, Subject]) -> None:
    async for row in _queries.lost_gateways_of(connection, subjects=list(subjects)):
        subject = subjects[row["subject"]]
        subject.lost |= {row["gateway"]}


async def _load_pauses(
    connection: Connection, subjects: Mapping[int, Subject], now: datetime
) -> None:
    found: dict[int, list[Known]] = {}
    residents: dict[int, int] = {}
    async for row in _queries.pauses(connection, subjects=list(subjects), now=now):
        found.setdefault(row["subject"], []).append(
            Known(row["whose"], row["kind"], row["since"], row["until"])
        )
        residents[row["subject"]] = row["residents"]
    for ident, known in found.items():
        subject = subjects[ident]
        subject.pauses, subject.next_pause = bearing(
            ident, subject.kind, known, residents=residents[ident], now=now
        )
        if subject.client is not None:
            subject.client.pauses = subject.pauses


async def _load_signs(connection: Connection, away: Sequence[Subject], now: datetime) -> None:
    """Add the signs of life of those who are away; a home's movement, a client's measurements.

    A home whose resident is heard as a person has none: the resident's own alert says it.
    """
    if not away:
        return
    heard: set[int] = set()
    by_id = {subject.id: subject for subject in away}
    rows = _queries.signs_of_life(
        connection,
        subjects=list(by_id),
        since=[subject.away.since for subject in away if subject.away is not None],
        movement=[catalogue()[name].id for name in MOVEMENT],
        measured=[catalogue()[name].id for name in MEASURED],
        until=now + AHEAD,
        earliest=min(subject.away.since for subject in away if subject.away is not None),
    )
    async for row in rows:
        subject = by_id[row["subject"]]
        if row["whose"] != subject.id:
            heard.add(subject.id)
        subject.signs.append(_reading(row))
    for ident in heard:
        by_id[ident].signs.clear()


async def load_events(
    connection: Connection, ranges: Mapping[int, Range], subjects: Mapping[int, Subject]
) -> None:
    """Add to each subject the events in its range that no episode has dealt with."""
    ranges = {subject: times for subject, times in ranges.items() if subject in subjects}
    if not ranges:
        return
    rows = _queries.new_events(
        connection,
        subjects=list(ranges),
        since=[since for since, _ in ranges.values()],
        until=[until for _, until in ranges.values()],
        metrics=[catalogue()[name].id for name in EVENTS],
        earliest=min(since for since, _ in ranges.values()),
    )
    async for row in rows:
        subjects[row["subject"]].events.append(_reading(row, row["state"]))


async def load_devices(
    connection: Connection,
    subjects: Iterable[Subject],
    states: Mapping[int, State],
    *,
    now: datetime,
    delay: timedelta,
) -> None:
    """Add to each subject its regularly heard devices, and when they were heard last.

    A device that is looked at for the first time is listened for from now on, so that a county
    imported a minute ago, or an engine started for the first time, finds nobody silent.
    """
    by_id = {subject.id: subject for subject in subjects}
    for subject in by_id.values():
        subject.devices = []
    rows = [row async for row in _queries.devices(connection, subjects=list(by_id), now=now)]
    since: dict[int, datetime] = {}
    for row in rows:
        known = states[row["watcher"]].heard.get(str(row["id"]))
        start = known or now - row["silent_after"] - delay
        since[row["id"]] = min(start, since.get(row["id"], start))
    last: dict[int, Reading] = {}
    if since:
        heard = _queries.last_heard(
            connection,
            devices=list(since),
            since=list(since.values()),
            until=now + AHEAD,
            earliest=min(since.values()),
        )
        async for row in heard:
            last[row["device"]] = _reading(row, row["state"])
    for row in rows:
        subject = by_id[row["watcher"]]
        assert subject.devices is not None  # noqa: S101 - set above
        reading = last.get(row["id"])
        known = states[subject.id].heard.get(str(row["id"]))
        heard_at = max(
            (moment for moment in (known, reading and reading.time) if moment), default=now
        )
        subject.devices.append(
            Device(
                id=row["id"],
                name=row["name"],
                kind=row["kind"],
                location=row["location"],
                gateway=row["gateway"],
                owner=row["owner"],
                silent_after=row["silent_after"],
                heard_at=heard_at,
                last=reading,
                gateway_online=row["online"],
                gateway_heard_at=row["heard_at"],
            )
        )
    await _load_at_risk(connection, [one for one in by_id.values() if one.kind == "home"])
    await _load_comings(connection, by_id.values(), now=now, delay=delay)


async def _load_at_risk(connection: Connection, homes: Sequence[Subject]) -> None:
    """Add to homes who is at risk in them; asked only where a device is regularly heard."""
    by_id = {home.id: home for home in homes if home.devices}
    if not by_id:
        return
    async for row in _queries.at_risk_in(connection, homes=list(by_id), kinds=DEVICES):
        needs = needs_of(
            oxygen=row["oxygen_prescribed"], conditions=row["conditions"], devices=row["devices"]
        )
        if needs:
            by_id[row["home"]].at_risk.append(AtRisk(row["subject"], needs))


async def _load_comings(
    connection: Connection, subjects: Iterable[Subject], *, now: datetime, delay: timedelta
) -> None:
    """Add when the front door and anybody in the home were last heard, where that may explain
    why something carried is silent.
    """
    asked = {
        subject.id: subject
        for subject in subjects
        if any(
            device.kind in PORTABLE and now - device.heard_at > device.silent_after + delay
            for device in subject.devices or ()
        )
    }
    if not asked:
        return
    rows = _queries.comings(
        connection,
        subjects=list(asked),
        door=catalogue()["door"].id,
        movement=[catalogue()[name].id for name in MOVEMENT if name != "door"],
        since=now - COMINGS,
    )
    async for row in rows:
        asked[row["subject"]].door_at = row["door_at"]
        asked[row["subject"]].moved_at = row["moved_at"]


async def load_episodes(
    connection: Connection, subjects: Sequence[int], *, now: datetime
) -> dict[int, list[Episode]]:
    """Open episodes by subject, and those closed while their evidence can still be valid."""
    found: dict[int, list[Episode]] = {}
    rows = _queries.episodes(connection, subjects=list(subjects), since=now - LONGEST_VALIDITY)
    async for row in rows:
        values = dict(row)
        found.setdefault(values.pop("subject"), []).append(Episode(**values))
    return found


def _reading(row: Any, state: int = 0) -> Reading:
    return Reading(
        metric=catalogue().by_id[row["metric"]].name,
        value=row["value"],
        time=row["time"],
        received_at=row["received_at"],
        device=row["device"],
        qualifier=row["qualifier"],
        state=state,
    )


def client_of(row: Any) -> Client | None:
    """What a row of the registry says of a client; None: the subject is no client."""
    if row["born"] is None:
        return None
    names = catalogue().by_id
    limits = {
        names[int(metric)].name: Limit(*bounds)
        for metric, bounds in (row["limits"] or {}).items()
        if int(metric) in names
    }
    return Client(
        born=row["born"],
        spo2_scale=row["spo2_scale"],
        oxygen_prescribed=row["oxygen_prescribed"],
        conditions=frozenset(name.casefold() for name in row["conditions"]),
        limits=limits,
        record=record_of(row["record"]),
    )


async def _load_residents(connection: Connection, subjects: Mapping[int, Subject]) -> None:
    """Add to homes the records of those who live there."""
    homes = [one.id for one in subjects.values() if one.kind == "home"]
    if not homes:
        return
    async for row in _queries.residents(connection, homes=homes):
        home = subjects[row["subject"]]
        home.residents = (*home.residents, record_of(row["record"]))


def record_of(stored: Any) -> Record:
    """A client's record as the database holds it; most clients have nothing in it."""
    return msgspec.convert(stored, Record) if stored else EMPTY
