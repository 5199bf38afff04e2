"""`people.toml`: what is usual for people, what changes it, and how they measure."""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from gateway_sim.noise import Floats, Keys, normal

VITALS = ("pulse", "spo2", "respiratory_rate", "systolic", "diastolic", "temperature")
"""Order of vital signs in all arrays; units as in the catalogue."""


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Spread(_Data, frozen=True):
    """A number that differs between people or homes: normal, cut off at `low` and `high`."""

    mean: float
    spread: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (self.low <= self.mean <= self.high and self.spread >= 0):
            raise ValueError("a mean lies between low and high")

    def of(self, keys: Keys) -> Floats:
        """Each key's own number; shape stays."""
        return np.clip(self.mean + self.spread * normal(keys), self.low, self.high)


class Baseline(Spread, frozen=True):
    """A person's usual value."""

    per_decade: float
    source: str


class _Surge(_Data, frozen=True):
    lasts_h: float
    systolic: float = 0.0
    diastolic: float = 0.0


class Rhythm(_Data, frozen=True):
    """A usual day."""

    sunday_activity: float
    asleep: dict[str, float]
    active: dict[str, float]
    activity_minutes: float
    morning_surge: _Surge
    temperature_swing: float
    temperature_peak_h: float
    pulse_per_degree: float
    source: str


class Season(_Data, frozen=True):
    """What a year adds at its height."""

    peak_day: float
    source: str
    systolic: float = 0.0
    diastolic: float = 0.0
    pulse: float = 0.0
    weight: float = 0.0


class Noise(_Data, frozen=True):
    """What nobody can explain."""

    remembers: dict[str, float]
    jitters: dict[str, float]
    memory_h: list[tuple[float, float]]
    together: list[tuple[str, str, float]]
    source: str

    def mixing(self) -> list[list[tuple[int, float]]]:
        """For each sign which of six independent noises to add up, by Cholesky's factors."""
        correlation = np.eye(len(VITALS))
        for a, b, r in self.together:
            n, m = VITALS.index(a), VITALS.index(b)
            correlation[n, m] = correlation[m, n] = r
        factors = np.linalg.cholesky(correlation).round(12)
        return [[(m, float(f)) for m, f in enumerate(row) if f != 0.0] for row in factors]


class Condition(_Data, frozen=True):
    """What a condition adds to usual values."""

    source: str
    pulse: float = 0.0
    spo2: float = 0.0
    respiratory_rate: float = 0.0
    systolic: float = 0.0
    diastolic: float = 0.0
    temperature: float = 0.0
    weight: float = 0.0
    glucose: float = 0.0
    irregular: float = 0.0


class Medication(Condition, frozen=True, kw_only=True):
    """Who takes a medicine, and what it adds and blunts."""

    of: dict[str, float]
    response: dict[str, float] = {}


class Glucose(_Data, frozen=True):
    meals_h: list[float]
    rise: float
    rise_in_diabetes: float
    peaks_after_h: float
    remembers: float
    remembers_in_diabetes: float
    jitters: float
    source: str


class Weight(_Data, frozen=True):
    within_a_day: float
    remembers: float
    jitters: float
    source: str


class Measuring(_Data, frozen=True):
    """How people measure by hand."""

    morning_after_waking_h: tuple[float, float]
    evening_h: tuple[float, float]
    forgets: Spread
    forgets_with_memory_disorder: float
    wrong_posture: Spread
    posture: dict[str, float]
    cold_hands_people: float
    cold_hands: float
    cold_hands_spo2: float
    spouse_on_the_scale: float
    source: str


class Traits(_Data, frozen=True):
    """The whole file."""

    baseline: dict[str, Baseline]
    rhythm: Rhythm
    season: Season
    noise: Noise
    condition: dict[str, Condition]
    medication: dict[str, Medication]
    glucose: Glucose
    weight: Weight
    measuring: Measuring

    def __post_init__(self) -> None:
        if not np.isclose(sum(share for _, share in self.noise.memory_h), 1.0):
            raise ValueError("the shares of noise.memory_h sum to 1")
        if any(later <= earlier for (earlier, _), (later, _) in pairwise(self.noise.memory_h)):
            raise ValueError("noise.memory_h goes from short to long")


def column(values: dict[str, float]) -> Floats:
    """A number for each vital sign, 0 where none is given, shape (6, 1)."""
    return np.array([[values.get(sign, 0.0)] for sign in VITALS])


@cache
def traits() -> Traits:
    """The traits that ship."""
    text = Path(__file__).with_name("people.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Traits)
