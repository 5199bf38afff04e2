"""Reads a stretch of history from the database for the backtest. Reads only.

What history does not hold is taken as it is now: who owns a device, a client's own limits and
conditions, whether a reading was struck out. What a gateway said of itself is not kept at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from alerts.backtest.backtest import Progress
from alerts.backtest.history import (
    Closing,
    Columns,
    Fell,
    History,
    Listened,
    Person,
    Placed,
    micros,
)
from alerts.learned.learned import AMBIENT, place_of
from alerts.silence.pauses import MEASURED, MOVEMENT, Known
from alerts.subjects.at_risk import DEVICES, AtRisk, needs_of
from alerts.subjects.events import EVENTS
from alerts.subjects.line import Line
from alerts.worker.load import client_of, record_of
from alerts.worker.newest import DEPTHS, LONGEST_VALIDITY
from alerts.worker.slow import WINDOWS
from core.catalogue import catalogue
from core.database import Connection, load_queries, translated
from core.errors import UserError
from core.reading import UNKNOWN
from core.record import Record
from models.signs import METRICS

_queries = load_queries("alerts")
_PIECE = timedelta(days=1)
"""Read at once."""


@dataclass(frozen=True)
class Recorded:
    """An episode as it was in life, with what a person said of it."""

    id: int
    subject: int
    kind: str
    origin: str
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None
    rule: str
    highest: int


@dataclass(frozen=True)
class Stretch:
    """A stretch of history, and the episodes that people recorded in it."""

    history: History
    recorded: list[Recorded]
    raw_since: datetime | None
    """When the readings that are kept begin, if there were older ones; else None."""


async def load_stretch(
    connection: Connection,
    start: datetime,
    end: datetime,
    *,
    silence: bool = True,
    models: bool = False,
    progress: Progress | None = None,
) -> Stretch:
    """Everything that a replay of start … end needs.

    The readings before `start` that were still valid then are in it as well.

    Args:
        silence: with what tells that devices fall silent.
        models: with what the models look at (many more readings).

    Raises:
        DatabaseError: the database does not answer.
    """
    async with translated(), connection.transaction(isolation="repeatable_read", readonly=True):
        people = await _people(connection, start, end)
        devices = await _devices(connection, end) if silence else []
        places = await _places(connection) if models else {}
        placed = {
            row["id"]: Placed(row["kind"], row["location"].lower())
            async for row in _queries.backtest_placed(connection)
        }
        falls: dict[int, set[Fell]] = {}
        async for row in _queries.backtest_falls(connection, until=start):
            fall = Fell(row["opened_at"], row["closed_at"])
            falls.setdefault(row["subject"], set()).add(fall)
        readings = await _readings(connection, people, devices, start, end, progress, models=models)
        recorded = [
            Recorded(
                row["id"], row["subject"], row["kind"], row["origin"], row["opened_at"],
                row["closed_at"], row["outcome"], row["rule"] or "", row["highest"],
            )
            async for row in _queries.backtest_recorded(connection, since=start, until=end)
        ]  # fmt: skip
        line = msgspec.convert(await _queries.read_line(connection) or {}, Line)
        raw_since = await _queries.backtest_raw_since(connection)
    closings = [
        Closing(one.subject, one.kind, one.origin, one.closed_at, one.outcome)
        for one in recorded
        if one.closed_at is not None and one.closed_at < end
    ]
    history = History(
        people=people,
        readings=readings,
        start=start,
        end=end,
        devices=tuple(devices),
        places=places,
        placed=placed,
        falls=falls,
        closings=tuple(closings),
        outages=line.outages,
    )
    return Stretch(history, recorded, raw_since)


async def _people(connection: Connection, start: datetime, end: datetime) -> dict[int, Person]:
    pauses: dict[int, list[Known]] = {}
    residents: dict[int, int] = {}
    async for row in _queries.backtest_pauses(connection, since=start, until=end):
        pause = Known(row["whose"], row["kind"], row["since"], row["until"])
        pauses.setdefault(row["subject"], []).append(pause)
        residents[row["subject"]] = row["residents"]
    homes = [row["id"] async for row in _queries.backtest_subjects(connection)
             if row["kind"] == "home"]  # fmt: skip
    records: dict[int, tuple[Record, ...]] = {}
    async for row in _queries.residents(connection, homes=homes):
        records[row["subject"]] = (
            *records.get(row["subject"], ()), record_of(row["record"]),
        )  # fmt: skip
    at_risk: dict[int, list[AtRisk]] = {}
    async for row in _queries.at_risk_in(connection, homes=homes, kinds=DEVICES):
        if needs := needs_of(
            oxygen=row["oxygen_prescribed"], conditions=row["conditions"], devices=row["devices"]
        ):
            at_risk.setdefault(row["home"], []).append(AtRisk(row["subject"], needs))
    return {
        row["id"]: Person(
            id=row["id"],
            name=row["pseudonym"] or str(row["id"]),
            kind=row["kind"],
            client=client_of(row),
            pauses=tuple(pauses.get(row["id"], ())),
            residents=residents.get(row["id"], 0),
            home=row["home"] or 0,
            records=records.get(row["id"], ()),
            area=row["area"] or 0,
            at_risk=tuple(at_risk.get(row["id"], ())),
        )
        async for row in _queries.backtest_subjects(connection)
    }


async def _devices(connection: Connection, at: datetime) -> list[Listened]:
    return [
        Listened(
            row["id"], row["name"], row["kind"], row["location"], row["gateway"], row["owner"],
            row["silent_after"], tuple(row["watchers"]),
        )
        async for row in _queries.backtest_devices(connection, at=at)
    ]  # fmt: skip


async def _places(connection: Connection) -> dict[int, int]:
    known = [row["id"] async for row in _queries.backtest_devices_of_all(connection)]
    return {
        row["id"]: place_of(row["kind"], row["location"])
        async for row in _queries.learned_devices(connection, devices=known)
    }


async def _readings(
    connection: Connection,
    people: dict[int, Person],
    devices: Sequence[Listened],
    start: datetime,
    end: datetime,
    progress: Progress | None,
    *,
    models: bool,
) -> Columns:
    names = catalogue()
    metrics = [names[name].id for name in {*DEPTHS, *MEASURED, *(METRICS if models else ())}]
    anybody = [
        names[name].id for name in {*EVENTS, *WINDOWS, *MOVEMENT, *(AMBIENT if models else ())}
    ]
    own = [
        (number, names[metric].id)
        for number, person in people.items()
        if person.client is not None
        for metric in person.client.limits
    ]
    events = [names[name].id for name in EVENTS]
    parts = []
    at = start - max(LONGEST_VALIDITY, *WINDOWS.values())
    total = (end - at) / _PIECE
    while at < end:
        until = min(at + _PIECE, end)
        rows = [
            row
            async for row in _queries.backtest_readings(
                connection,
                since=at,
                until=until,
                metrics=metrics,
                anybody=anybody,
                limited=[number for number, _ in own],
                limits=[metric for _, metric in own],
            )
        ]
        late = _queries.backtest_late_events(connection, since=at, until=until, events=events)
        rows.extend([row async for row in late])
        if devices:
            heard = _queries.backtest_heard(
                connection, since=at, until=until, devices=[one.id for one in devices]
            )
            rows.extend([row async for row in heard])
        parts.append(_columns(rows, people.keys()))
        at = until
        if progress is not None:
            progress(total - (end - at) / _PIECE, total)
    return _once(Columns.joined(parts)).in_order()


def _columns(rows: Sequence[Any], known: Collection[int]) -> Columns:
    rows = [row for row in rows if row["subject"] in known or row["subject"] == UNKNOWN]

    def column(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([row[name] for row in rows], dtype=np.int64)

    def times(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([micros(row[name]) for row in rows], dtype=np.int64)

    return Columns(
        column("subject"), column("device"), column("metric"), times("time"), times("received_at"),
        np.array([row["value"] for row in rows], dtype=np.float64), column("qualifier"),
        column("state"), np.array([row["by_hand"] for row in rows], dtype=bool),
    )  # fmt: skip


def _once(readings: Columns) -> Columns:
    """What two of the queries found counts once."""
    keys = np.stack([readings.device, readings.metric, readings.time, readings.subject], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    return readings.take(np.sort(first)) if len(first) < len(readings) else readings


def require_readings(stretch: Stretch, start: datetime) -> None:
    """Refuse a stretch of which the readings are no longer there.

    Raises:
        UserError: there are none, or the stretch begins before those that are kept.
    """
    if not len(stretch.history.readings):
        raise UserError("There are no readings in that time, so nothing can be replayed.")
    if stretch.raw_since is not None and start < stretch.raw_since:
        raise UserError(
            f"Readings are kept since {stretch.raw_since:%Y-%m-%d %H:%M} UTC; of the time before "
            "there are only aggregates, which cannot be replayed: choose a later --from."
        )
