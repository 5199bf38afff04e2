"""Illness: a beginning, a course, and what it does to a person and to what they do at home."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indexes = NDArray[np.int64]

HABITS = ("movement", "bathroom", "night", "bed", "kitchen")
"""What an illness does to a person's day, as a share of the usual."""


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one sign follows severity: to a value (`crisis`), or by an amount."""

    begins: float
    ends: float
    crisis: float | None = None
    by: float | None = None

    def __post_init__(self) -> None:
        if self.begins >= self.ends or (self.crisis is None) == (self.by is None):
            raise ValueError("a sign begins before it ends, and has either a crisis or a by")

    def moved(self, value: Floats, severity: Floats) -> Floats:
        """`value`, as it is at `severity`; shapes equal."""
        share: Floats = np.clip((severity - self.begins) / (self.ends - self.begins), 0.0, 1.0)
        if self.by is not None:
            return value + share * self.by
        assert self.crisis is not None  # noqa: S101 - __post_init__ looked
        return value + share * (self.crisis - value)


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `illness.toml`."""

    course: list[tuple[float, float]]
    sign: float
    harmless: bool = False
    pulse: Sign | None = None
    spo2: Sign | None = None
    respiratory_rate: Sign | None = None
    systolic: Sign | None = None
    diastolic: Sign | None = None
    temperature: Sign | None = None
    weight: Sign | None = None
    glucose: Sign | None = None
    movement: Sign | None = None
    bathroom: Sign | None = None
    night: Sign | None = None
    bed: Sign | None = None
    kitchen: Sign | None = None

    def severity(self, hours: Floats) -> Floats:
        """0 (well) … 1 (crisis) so many hours after the onset; shape stays."""
        at, course = (np.array(column) for column in zip(*self.course, strict=True))
        severity: Floats = np.interp(hours, at, course, left=0.0, right=0.0)
        return severity

    def hours_until(self, severity: float) -> float:
        """Hours from onset until `severity` (0 … 1) is first reached."""
        for (h0, s0), (h1, s1) in pairwise(self.course):
            if s0 <= severity <= s1 and s1 > s0:
                return h0 + (h1 - h0) * (severity - s0) / (s1 - s0)
        raise ValueError(f"severity {severity} is never reached")


@cache
def kinds() -> dict[str, Kind]:
    """All illnesses, by name."""
    text = Path(__file__).with_name("illness.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Kind])


class Label(NamedTuple):
    """What was true at a moment; `what` is onset, first_sign, crisis or recovered."""

    what: str
    time: float
    """Unix seconds."""


@dataclass(frozen=True)
class Illness:
    """One illness of one person."""

    kind: str
    person: int
    """Index into `People`."""
    onset: float
    """Unix seconds."""

    def severity(self, time: Floats) -> Floats:
        """0 (well) … 1 (crisis) at Unix seconds `time`; shape stays."""
        return kinds()[self.kind].severity((time - self.onset) / 3600.0)

    def labels(self) -> list[Label]:
        """The moments that a detector is measured against, in order of time."""
        kind = kinds()[self.kind]
        peak = max(kind.course, key=lambda point: point[1])[0]
        moments = {
            "onset": 0.0,
            "first_sign": kind.hours_until(kind.sign),
            "crisis": peak,
            "recovered": kind.course[-1][0],
        }
        return [Label(what, self.onset + hours * 3600.0) for what, hours in moments.items()]


class Illnesses:
    """All illnesses of a county, to be asked about many people at once.

    The cost of a question goes with the people asked about and the kinds that are about, not with
    the number of illnesses: an influenza wave has thousands.
    """

    def __init__(self, illnesses: Sequence[Illness] = ()) -> None:
        self.all = tuple(sorted(illnesses, key=lambda one: (one.person, one.onset, one.kind)))
        self._person = np.array([one.person for one in self.all], dtype=np.int64)
        self._onset = np.array([one.onset for one in self.all])
        self._names = sorted({one.kind for one in self.all})
        place = {name: number for number, name in enumerate(self._names)}
        self._kind = np.array([place[one.kind] for one in self.all], dtype=np.int64)
        self._ends = np.array([one.onset + 3600.0 * kinds()[one.kind].course[-1][0]
                               for one in self.all])  # fmt: skip

    def __iter__(self) -> Iterator[Illness]:
        return iter(self.all)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Illnesses) and self.all == other.all

    def __hash__(self) -> int:
        return hash(self.all)

    def severity(self, who: Indexes, time: Floats) -> Floats:
        """The worst severity of each (person, Unix seconds), shape (n,)."""
        worst = np.zeros(len(who))
        for rows, _, severity in self._present(who, time):
            worst[rows] = np.maximum(worst[rows], severity)
        return worst

    def lean(self, sign: str, values: Floats, who: Indexes, time: Floats) -> Floats:
        """What becomes of a sign's `values`, shape (n,), of each (person, Unix seconds)."""
        moved = values
        for rows, kind, severity in self._present(who, time):
            change: Sign | None = getattr(kind, sign)
            if change is not None:
                if moved is values:
                    moved = values.copy()
                moved[rows] = change.moved(moved[rows], severity)
        return moved

    def _present(self, who: Indexes, time: Floats) -> Iterator[tuple[Indexes, Kind, Floats]]:
        """Rows that are ill, with what and how badly; a person may have several, in order."""
        if not self.all:
            return
        first = np.searchsorted(self._person, who, side="left")
        count = np.searchsorted(self._person, who, side="right") - first
        for number in range(int(count.max(initial=0))):
            rows = np.flatnonzero(count > number)
            which = first[rows] + number
            now = (time[rows] >= self._onset[which]) & (time[rows] <= self._ends[which])
            rows, which = rows[now], which[now]
            for place in np.unique(self._kind[which]).tolist():
                of_kind = self._kind[which] == place
                kind = kinds()[self._names[place]]
                ill = rows[of_kind]
                hours = (time[ill] - self._onset[which[of_kind]]) / 3600.0
                yield ill, kind, kind.severity(hours)
