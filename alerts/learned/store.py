"""The models between two transactions: loads what is new and what is remembered, keeps it again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import structlog
from numpy.typing import NDArray

from alerts.episodes.episode import Episode
from alerts.finding import LEARNED, Finding
from alerts.learned import memory as learned_memory
from alerts.learned.learned import (
    AMBIENT,
    EVERY,
    HOLDING,
    Learned,
    News,
    empty,
    local_offset,
    news,
    place_of,
    since,
)
from alerts.learned.memory import Packed
from alerts.subjects.subject import Context, Subject
from core.catalogue import catalogue
from core.database import Connection, load_queries
from models.following import Memory
from models.readings import Flags, Floats
from models.signs import METRICS

MOST = 20_000
"""Readings of one subject at one look; of a longer backlog the newest."""
HEARD_WITHIN = timedelta(minutes=30)
"""A gateway that was not heard for longer cannot tell of silence."""
DEAF = timedelta(minutes=10)
"""Of our own outages since the last look, after which silence is no evidence."""
_METRICS = [catalogue()[name].id for name in (*METRICS, *AMBIENT)]
_AMBIENT = [catalogue()[name].id for name in AMBIENT]
ROW = np.dtype(
    [
        ("subject", ">i4"),
        ("metric", ">i2"),
        ("device", ">i4"),
        ("time", ">i8"),
        ("received", ">i8"),
        ("value", ">f8"),
    ]
)
"""A reading as the database's own binary formats write it; times are microseconds since 2000."""
_Y2000 = 946_684_800_000_000
"""PostgreSQL's epoch, in microseconds since 1970."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_queries = load_queries("alerts")
_log = structlog.get_logger()
_NONE = np.zeros(0, dtype=np.int64)
_NOTHING = news(_NONE, _NONE, _NONE, np.zeros(0), np.zeros(0), np.zeros(0), offset=0.0)
Range = tuple[datetime, datetime]


class Looked:
    """One batch's memories and news: a rule like the others, and what is to be kept afterwards."""

    def __init__(
        self,
        learned: Learned,
        subjects: Sequence[Subject],
        new: News,
        memory: Memory,
        held: Flags,
        listening: Floats,
    ) -> None:
        self._learned = learned
        self._row = {subject.id: row for row, subject in enumerate(subjects)}
        self._new, self._memory = new, memory
        self._held, self._listening = held, listening
        self.kept: dict[int, Packed] = {}
        """By subject, of those whom the models told of."""

    def assess(
        self, subjects: Sequence[Subject], context: Context
    ) -> Iterator[tuple[int, Finding | datetime]]:
        """What the models say of those whose time has come; of others nothing is said this time."""
        chosen = [n for n, subject in enumerate(subjects) if subject.id in self._row]
        for number, subject in enumerate(subjects):
            if subject.id not in self._row:
                # Looked at just now: what is new since then must not wait for the next reading.
                yield number, context.now + EVERY
        rows = np.array([self._row[subjects[n].id] for n in chosen], dtype=np.int64)
        if not chosen:
            return
        told = self._learned.assess(
            [subjects[n] for n in chosen],
            context,
            self._new.only(rows),
            self._memory.only(rows),
            held=self._held[rows],
            listening=self._listening[rows],
        )
        for index, verdict in told.verdicts:
            yield chosen[index], verdict
        for row, place in enumerate(chosen):
            subjects[place].unseen -= frozenset(LEARNED)
            self.kept[subjects[place].id] = learned_memory.packed(
                told.memory,
                row,
                days=bool(told.changed_days[row]),
                rooms=bool(told.has_rooms[row]),
            )


class LearnedStore:
    """The models of a worker, and what it knows of devices."""

    def __init__(self, learned: Learned) -> None:
        self._learned = learned
        self._places: dict[int, int] = {}

    async def load(
        self,
        connection: Connection,
        subjects: Sequence[Subject],
        context: Context,
        ranges: Mapping[int, Range],
        episodes: Mapping[int, Sequence[Episode]],
    ) -> Looked:
        """What the models need of the subjects whose time has come: not looked at within EVERY.

        Args:
            subjects: whose present state is looked at.
            ranges: the times of what is new, by subject.
        """
        chosen, memory, looked = await self._remembered(connection, subjects, context)
        if not chosen:
            return Looked(self._learned, [], _NOTHING, memory, np.zeros(0, bool), np.zeros(0))
        new = await self._news(connection, chosen, memory, looked, context, ranges)
        listening = await self._listening(connection, chosen, looked, context)
        held = np.array(
            [
                bool(subject.pauses)
                or any(one.kind in HOLDING and _stands(one) for one in episodes.get(subject.id, ()))
                for subject in chosen
            ],
            dtype=bool,
        )
        return Looked(self._learned, chosen, new, memory, held, listening)

    async def keep(self, connection: Connection, looked: Looked, *, now: datetime) -> None:
        """Keep what the models remember."""
        kept = looked.kept
        if kept:
            await _queries.keep_learned(
                connection,
                subjects=list(kept),
                now=now,
                signs=[one.signs for one in kept.values()],
                days=[one.days for one in kept.values()],
                rooms=[one.rooms for one in kept.values()],
            )

    async def _remembered(
        self, connection: Connection, subjects: Sequence[Subject], context: Context
    ) -> tuple[list[Subject], Memory, list[datetime | None]]:
        """Those whose time has come, their memories, and when they were looked at."""
        place = {subject.id: row for row, subject in enumerate(subjects)}
        found = [
            row
            async for row in _queries.learned(
                connection, subjects=list(place), before=context.now - EVERY
            )
        ]
        memory = empty(len(found))
        looked: list[datetime | None] = []
        for number, row in enumerate(found):
            stored = Packed(row["signs"], row["days"], row["rooms"])
            looked.append(row["looked_at"])
            if not learned_memory.unpacked(memory, number, stored):
                _log.warning("learned memory starts afresh", subject=row["subject"])
                looked[-1] = None
        return [subjects[place[row["subject"]]] for row in found], memory, looked

    async def _news(
        self,
        connection: Connection,
        subjects: Sequence[Subject],
        memory: Memory,
        looked: Sequence[datetime | None],
        context: Context,
        ranges: Mapping[int, Range],
    ) -> News:
        place = {subject.id: row for row, subject in enumerate(subjects)}
        taken = [_EPOCH + timedelta(seconds=s) for s in since(memory).tolist()]
        noted = [ranges.get(subject.id, (context.now, context.now))[0] for subject in subjects]
        begins = [
            start if at is None else first
            for first, start, at in zip(taken, noted, looked, strict=True)
        ]
        sent = await _queries.learned_readings(
            connection,
            subjects=list(place),
            since=begins,
            late_since=noted,
            seen_at=[at or context.now for at in looked],
            metrics=_METRICS,
            until=context.now,
            most=MOST,
            earliest=min(*begins, *noted),
        )
        rows = np.frombuffer(sent or b"", ROW)
        metric = rows["metric"].astype(np.int64)
        ambient = np.isin(metric, _AMBIENT)
        devices, of = np.unique(rows["device"][ambient], return_inverse=True)
        await self._know(devices.tolist(), connection)
        known = [self._places.get(device, -1) for device in devices.tolist()]
        places = np.full(len(rows), -1)
        places[ambient] = np.array(known, dtype=np.int64)[of]
        ids = np.array(list(place), dtype=np.int64)
        order = np.argsort(ids)
        index = order[np.searchsorted(ids, rows["subject"], sorter=order)]
        return news(
            index, metric, places, _unix(rows["time"]), rows["value"].astype(np.float64),
            _unix(rows["received"]), offset=local_offset(context.now),
        )  # fmt: skip

    async def _know(self, devices: Collection[int], connection: Connection) -> None:
        """Learn what devices are that were not met before; what they are does not change."""
        unknown = [device for device in devices if device not in self._places]
        if unknown:
            async for row in _queries.learned_devices(connection, devices=unknown):
                self._places[row["id"]] = place_of(row["kind"], row["location"])

    async def _listening(
        self,
        connection: Connection,
        subjects: Sequence[Subject],
        looked: Sequence[datetime | None],
        context: Context,
    ) -> Floats:
        """(n,): 1 where silence since the last look is evidence, else 0."""
        rows = _queries.learned_gateways(
            connection,
            subjects=[subject.id for subject in subjects],
            fresh=context.now - HEARD_WITHIN - context.delay,
        )
        heard = {row["subject"] async for row in rows}
        return np.array(
            [
                float(
                    subject.id in heard
                    and subject.away is None
                    and at is not None
                    and context.now - at - context.line.silence(at) <= DEAF + context.delay
                )
                for subject, at in zip(subjects, looked, strict=True)
            ]
        )


def _stands(episode: Episode) -> bool:
    return episode.closed_at is None and episode.cleared_at is None


def _unix(times: NDArray[np.int64]) -> Floats:
    """Unix seconds of times as PostgreSQL sends them."""
    seconds: Floats = (times + _Y2000) / 1e6
    return seconds
