"""A stretch of history in memory, in columns: who, what was measured, when it was received.

Whatever it comes from (the database, a simulation's files, recorded homes), the backtest takes it
in this form and knows nothing of where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.finding import Reading
from alerts.silence.pauses import Known
from alerts.subjects.at_risk import AtRisk
from alerts.subjects.subject import Client
from core.catalogue import catalogue
from core.record import Record

Whole = NDArray[np.integer[Any]]
"""Whole numbers, as narrow as they may be."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds since 1970: what columns hold of a time."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The time that a column's number is."""
    return _EPOCH + timedelta(microseconds=at)


@dataclass(frozen=True)
class Columns:
    """Readings, arrays of equal length; `History` wants them in the order of `received`."""

    subject: Whole
    device: Whole
    metric: Whole
    """Its id in the catalogue."""
    time: Whole
    """When it was measured, microseconds since 1970."""
    received: Whole
    """When Saimi had it."""
    value: NDArray[np.float64]
    """In the catalogue's unit."""
    qualifier: Whole
    state: Whole
    """core.reading.State, as it is now: what was struck out later counts as struck out."""
    by_hand: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    """Whether a person counted it; left out: nobody did."""

    def __post_init__(self) -> None:
        if not len(self.by_hand):
            object.__setattr__(self, "by_hand", np.zeros(len(self.subject), dtype=bool))

    def __len__(self) -> int:
        return len(self.subject)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Columns:
        """Some rows, or all in another order."""
        return Columns(
            self.subject[rows], self.device[rows], self.metric[rows], self.time[rows],
            self.received[rows], self.value[rows], self.qualifier[rows], self.state[rows],
            self.by_hand[rows],
        )  # fmt: skip

    def in_order(self) -> Columns:
        """The same in the order of being received; of those received at once, of being measured."""
        return self.take(np.lexsort((self.time, self.received)))

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """One after the other."""
        if not parts:
            whole, real = np.zeros(0, dtype=np.int64), np.zeros(0)
            return cls(whole, whole, whole, whole, whole, real, whole, whole)
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in cls.__dataclass_fields__
            )
        )

    def reading(self, row: int) -> Reading:
        """One row as the rules see it."""
        return Reading(
            metric=catalogue().by_id[int(self.metric[row])].name,
            value=float(self.value[row]),
            time=moment(int(self.time[row])),
            received_at=moment(int(self.received[row])),
            device=int(self.device[row]),
            qualifier=int(self.qualifier[row]),
            state=int(self.state[row]),
            by_hand=bool(self.by_hand[row]),
        )


class Received:
    """Rows by group (a subject, a home) and by when they were received, to be cut by both."""

    def __init__(self, group: NDArray[np.int64], received: Whole) -> None:
        """`group`: small numbers from 0."""
        times = received.astype(np.int64)
        self._first = int(times.min()) if len(times) else 0
        self._span = int(times.max()) - self._first if len(times) else 0
        self._bits = (self._span + 1).bit_length()
        if int(group.max(initial=0)).bit_length() + self._bits > 63:
            raise ValueError("too many groups over too long a time for one replay")
        key = (group << self._bits) + (times - self._first)
        self.order: NDArray[np.int64] = np.argsort(key, kind="stable")
        """Rows in the order in which `cut` counts them."""
        self._key = key[self.order]

    def cut(
        self, groups: NDArray[np.int64], since: NDArray[np.int64], until: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each group, where in `order` rows received at since <= … <= until begin and end."""
        begins = groups << self._bits
        low = begins + np.clip(since - self._first, 0, self._span + 1)
        high = begins + min(max(until - self._first, -1), self._span)
        return (
            np.searchsorted(self._key, low),
            np.searchsorted(self._key, np.maximum(high, low - 1), side="right"),
        )


@dataclass(frozen=True)
class Person:
    """A subject, as the rules know it."""

    id: int
    name: str
    """Pseudonym."""
    kind: str = "client"
    """`client` or `home`; `area`, or `service` for the county, of which outages are told."""
    client: Client | None = None
    pauses: tuple[Known, ...] = ()
    """That bear on it, whenever."""
    residents: int = 0
    """How many live in its home; told where there are pauses."""
    home: int = 0
    """A number of its home."""
    records: tuple[Record, ...] = ()
    """Of a home: the records of those who live there, where they hold anything."""
    area: int = 0
    """Of a home: the subject of its area; 0: outages are not looked for."""
    at_risk: tuple[AtRisk, ...] = ()
    """Of a home: who in it is at risk when it is not heard."""


@dataclass(frozen=True)
class Listened:
    """A device that is expected to be heard at least every `silent_after`."""

    id: int
    name: str
    kind: str
    location: str
    gateway: str
    owner: int
    silent_after: timedelta
    watchers: tuple[int, ...]
    """The subjects of its home."""


@dataclass(frozen=True)
class Closing:
    """That a person closed the open episode of a key."""

    subject: int
    kind: str
    origin: str
    at: datetime
    outcome: str | None = None


class Fell(NamedTuple):
    """A fall of before the stretch, found not to be false."""

    opened_at: datetime
    closed_at: datetime


class Placed(NamedTuple):
    """A device, and where in the home it is."""

    kind: str
    location: str
    """In lower case."""


@dataclass(frozen=True)
class History:
    """Everything a backtest goes by."""

    people: Mapping[int, Person]
    readings: Columns
    """In the order of being received."""
    start: datetime
    """When the engine begins to look; readings received before are known to it."""
    end: datetime
    devices: Sequence[Listened] = ()
    places: Mapping[int, int] = field(default_factory=dict)
    """Of devices, what alerts.learned.place_of says of them."""
    placed: Mapping[int, Placed] = field(default_factory=dict)
    """Of devices of a home: doors, and what notices people."""
    falls: Mapping[int, Set[Fell]] = field(default_factory=dict)
    """Of subjects, before `start`."""
    closings: Sequence[Closing] = ()
    outages: tuple[tuple[datetime, datetime], ...] = ()
    """When ingest or the engine was down (alerts.subjects.line)."""
    gone: Mapping[str, Sequence[tuple[datetime, datetime]]] = field(default_factory=dict)
    """Of gateways by name, from when to when the broker said that they are gone."""
    clients: int = field(init=False)
    """How many are monitored."""

    def __post_init__(self) -> None:
        if len(self.readings) and (np.diff(self.readings.received) < 0).any():
            raise ValueError("readings must be in the order of being received")
        count = sum(person.client is not None for person in self.people.values())
        object.__setattr__(self, "clients", count)
