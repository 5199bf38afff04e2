"""Illness: a beginning, a course, and what it does to the vital signs."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
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


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one vital sign follows severity."""

    begins: float
    ends: float
    crisis: float
    """What it leans to, in the catalogue's unit."""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `illness.toml`."""

    course: list[tuple[float, float]]
    sign: float
    pulse: Sign
    spo2: Sign
    respiratory_rate: Sign
    systolic: Sign
    diastolic: Sign
    temperature: Sign

    @property
    def signs(self) -> tuple[Sign, ...]:
        """In the order of `people.VITALS`."""
        return (
            self.pulse,
            self.spo2,
            self.respiratory_rate,
            self.systolic,
            self.diastolic,
            self.temperature,
        )

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
        course = kinds()[self.kind].course
        hours = (time - self.onset) / 3600.0
        return np.interp(hours, [h for h, _ in course], [s for _, s in course], left=0.0, right=0.0)

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


def severity_of(illnesses: Sequence[Illness], who: Indexes, time: Floats) -> Floats:
    """The worst severity of each (person, time), shape (n,)."""
    severity = np.zeros(len(who))
    for illness in illnesses:
        severity = np.maximum(severity, (who == illness.person) * illness.severity(time))
    return severity


def lean(values: Floats, illnesses: Sequence[Illness], who: Indexes, time: Floats) -> Floats:
    """Move vital signs, shape (n, 6), from where they would be towards those of the crisis."""
    for illness in illnesses:
        rows = np.flatnonzero(who == illness.person)
        if len(rows) == 0:
            continue
        severity = illness.severity(time[rows])
        for column, sign in enumerate(kinds()[illness.kind].signs):
            share = np.clip((severity - sign.begins) / (sign.ends - sign.begins), 0.0, 1.0)
            values[rows, column] += share * (sign.crisis - values[rows, column])
    return values
