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

from gateway_sim.traits import VITALS

Floats = NDArray[np.float64]
Indexes = NDArray[np.int64]

HABITS = (
    "movement", "bathroom", "night", "bed", "kitchen", "out", "door_night", "chair", "home",
    "guests", "pet", "sight", "warmth",
)  # fmt: skip
"""What an illness or event does to a home's day, 1 being as usual; `illness.toml` explains each."""
CRISIS = 0.8
"""Severity from which the height of an illness is a crisis."""


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


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event that a device may tell of at the onset."""

    metric: str
    share: float


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `illness.toml`."""

    course: list[tuple[float, float]]
    sign: float
    source: str
    harmless: bool = False
    event: Told | None = None
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
    out: Sign | None = None
    door_night: Sign | None = None
    chair: Sign | None = None
    home: Sign | None = None
    guests: Sign | None = None
    pet: Sign | None = None
    sight: Sign | None = None
    warmth: Sign | None = None

    def __post_init__(self) -> None:
        hours, severity = zip(*self.course, strict=True)
        if any(later <= earlier for earlier, later in pairwise(hours)) or hours[0] != 0.0:
            raise ValueError("a course begins at hour 0 and goes on")
        if not all(0.0 <= s <= 1.0 for s in severity) or severity[0] or severity[-1]:
            raise ValueError("a course begins and ends at severity 0 and stays within 1")

    @property
    def unwell(self) -> bool:
        """Whether it is felt: not harmless, and some vital sign moves."""
        return not self.harmless and any(getattr(self, sign) is not None for sign in VITALS)

    @property
    def height(self) -> float:
        """The course's highest severity."""
        return max(severity for _, severity in self.course)

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
    """One illness, or other event, of one person."""

    kind: str
    person: int
    """Index into `People`."""
    onset: float
    """Unix seconds."""
    worst: float = 1.0
    """How severe it gets, as a share of its kind's course."""
    pace: float = 1.0
    """How long it lasts, as a share of its kind's course."""

    def __post_init__(self) -> None:
        if not (0.0 < self.worst <= 1.0 and self.pace > 0.0):
            raise ValueError("worst lies above 0 and is 1 at most; pace lies above 0")

    def severity(self, time: Floats) -> Floats:
        """0 (well) … 1 (crisis) at Unix seconds `time`; shape stays."""
        return self.worst * kinds()[self.kind].severity((time - self.onset) / 3600.0 / self.pace)

    @property
    def ends(self) -> float:
        """Unix seconds at which the course is over."""
        return self.onset + 3600.0 * self.pace * kinds()[self.kind].course[-1][0]

    def reaches(self, severity: float) -> float:
        """Unix seconds at which `severity` (0 … 1) is first reached.

        Raises:
            ValueError: it never is.
        """
        kind = kinds()[self.kind]
        share = severity / self.worst
        if severity <= self.worst * kind.height:  # whose quotient may be a hair above the height
            share = min(share, kind.height)
        hours = kind.hours_until(share)
        return self.onset + 3600.0 * self.pace * hours

    def labels(self) -> list[Label]:
        """The moments that a detector is measured against, in order of time.

        onset: severity leaves 0. first_sign: it reaches the kind's `sign`, from which a careful
        observer could see something. crisis: its height, if that is `CRISIS` or more. recovered:
        it is 0 again. What is harmless has onset and recovered only.
        """
        kind = kinds()[self.kind]
        height = self.worst * kind.height
        labels = [Label("onset", self.onset)]
        if not kind.harmless:
            if height >= kind.sign:
                labels.append(Label("first_sign", self.reaches(kind.sign)))
            if height >= CRISIS:
                labels.append(Label("crisis", self.reaches(height)))
        return [*labels, Label("recovered", self.ends)]


Present = list[tuple[Indexes, Kind, Floats]]
"""Rows that are ill, with what, and how badly (0 … 1), of a question about (person, time) pairs."""


def severity_of(present: Present, rows: int) -> Floats:
    """The worst severity of each row of what makes unwell, shape (rows,)."""
    worst = np.zeros(rows)
    for ill, kind, severity in present:
        if kind.unwell:
            worst[ill] = np.maximum(worst[ill], severity)
    return worst


def lean(sign: str, values: Floats, present: Present) -> Floats:
    """What becomes of a sign's or habit's `values`, shape (n,), under what is present."""
    moved = values
    for rows, kind, severity in present:
        change: Sign | None = getattr(kind, sign)
        if change is not None:
            if moved is values:
                moved = values.copy()
            moved[rows] = change.moved(moved[rows], severity)
    return moved


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
        self._ends = np.array([one.ends for one in self.all])
        self._worst = np.array([one.worst for one in self.all])
        self._pace = np.array([one.pace for one in self.all])

    def __iter__(self) -> Iterator[Illness]:
        return iter(self.all)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Illnesses) and self.all == other.all

    def __hash__(self) -> int:
        return hash(self.all)

    def severity(self, who: Indexes, time: Floats) -> Floats:
        """The worst severity of what makes each (person, Unix seconds) unwell, shape (n,)."""
        return severity_of(self.present(who, time), len(who))

    def lean(self, sign: str, values: Floats, who: Indexes, time: Floats) -> Floats:
        """What becomes of a sign's `values`, shape (n,), of each (person, Unix seconds)."""
        return lean(sign, values, self.present(who, time))

    def at_home(self, who: Indexes, time: Floats) -> NDArray[np.bool_]:
        """Who of (person, Unix seconds) is not away in hospital or on a journey, shape (n,)."""
        here: NDArray[np.bool_] = self.lean("home", np.ones(len(who)), who, time) > 0.5
        return here

    def whom(self, start: float, end: float) -> Indexes:
        """Persons with anything between two moments (Unix seconds), in order."""
        during = (self._onset < end) & (self._ends > start)
        return np.unique(self._person[during])

    def present(self, who: Indexes, time: Floats) -> Present:
        """What is the matter with each (person, Unix seconds); a person may have several."""
        present: Present = []
        if not self.all or len(who) == 0:
            return present
        during = (self._onset <= time.max()) & (self._ends >= time.min())
        if not during.any():
            return present
        person, about = self._person[during], np.flatnonzero(during)
        first = np.searchsorted(person, who, side="left")
        count = np.searchsorted(person, who, side="right") - first
        for number in range(int(count.max(initial=0))):
            rows = np.flatnonzero(count > number)
            which = about[first[rows] + number]
            now = (time[rows] >= self._onset[which]) & (time[rows] <= self._ends[which])
            rows, which = rows[now], which[now]
            for place in np.unique(self._kind[which]).tolist():
                of_kind = self._kind[which] == place
                kind, one = kinds()[self._names[place]], which[of_kind]
                ill = rows[of_kind]
                hours = (time[ill] - self._onset[one]) / 3600.0 / self._pace[one]
                present.append((ill, kind, self._worst[one] * kind.severity(hours)))
        return present
