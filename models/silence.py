"""Unusually long without any sign of life: how likely a home is silent at least this long.

A discrete-time survival model. A gap begins with a sign of life and ends with the next. Over many
homes the chance that a gap ends in a step of five minutes is counted by what began it (somebody
inside, to bed, through the front door), kind of day, local hour and how long it has lasted: the
cohort's hazard. A home differs from it by a factor for each beginning and hour, which has a gamma
distribution: a new home has the cohort's, 1 with the weight of `PRIOR` ends, and each end and each
end that the cohort would have had moves it. With the factor unknown the chance of silence is

    P(gap at least this long) = Π over hours (1 + L / (PRIOR + x)) ^ -(PRIOR + n)

with L the cohort's cumulated hazard of this gap in that hour, n the home's ends and x the
expected ones (gamma mixture of exponentials; Lomax). What little is known makes it larger: a new
home is not called unusual early. P is of one gap, and a home has some 140 a day: a limit for alerts
lies far below 1 in 1000.

Signs are the home's, so in a home for two both must be silent. A gap so unusual that it may be a
fall or an absence is not learned. Why these choices: docs/decisions/0032-routine-and-silence.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP_S = 300
"""Seconds of one step."""
NONE, INSIDE, BED, DOOR = 0, 1, 2, 3
"""The last sign of a step: none; in a room; everybody in bed; the front door, nothing after it."""
PRIOR = 8.0
"""Ends that the cohort's hazard counts for, in each hour, beside a home's own."""
HALF_LIFE_STEPS = 45 * 86_400 // STEP_S
"""After 45 days half of what was learned is forgotten."""
LEARNS_ABOVE = 1e-3
"""A gap less likely than this is not learned."""
AGES = np.array([1, 2, 3, 6, 12, 24, 48, 96])
"""Lower edges, in steps, of the bins of a gap's length after the first."""
_BEGINNINGS, _HOURS, _BINS = 3, 24, len(AGES) + 1
_SMOOTH = 50.0
_KEEP = 0.5 ** (1.0 / HALF_LIFE_STEPS)


@dataclass(frozen=True)
class Steps:
    """t steps of n homes, one after the other.

    Local hours are given, so a night on which the clock changes has more or fewer steps of an hour
    and nothing else.
    """

    hour: Ints
    """(t,): 0 … 23, local."""
    weekend: NDArray[np.bool_]
    """(t,): the kind of day."""
    sign: Ints
    """(t, n): NONE, INSIDE, BED or DOOR."""
    listening: Floats
    """(t, n): share of the home's usual signs that would be heard, 0 … 1. 0 or NaN: the gateway is
    away, or the client is known to be; that silence is no evidence."""

    def __post_init__(self) -> None:
        shape = self.sign.shape
        hours = (shape[0],)
        if shape != self.listening.shape or {self.hour.shape, self.weekend.shape} != {hours}:
            raise ValueError("steps, homes and hours do not go together")
        heard = np.nan_to_num(self.listening)
        if ((heard < 0) | (heard > 1)).any() or not np.isin(self.sign, range(4)).all():
            raise ValueError("a sign is 0 to 3, listening a share")
        if ((self.hour < 0) | (self.hour > 23)).any():
            raise ValueError("an hour is 0 to 23")

    def homes(self, some: Any) -> Steps:
        """The same steps of some homes."""
        return replace(self, sign=self.sign[:, some], listening=self.listening[:, some])

    def between(self, first: int, end: int) -> Steps:
        """Some of the steps."""
        cut = slice(first, end)
        return Steps(self.hour[cut], self.weekend[cut], self.sign[cut], self.listening[cut])


@dataclass
class Memory:
    """What is kept of n homes."""

    ends: Floats
    """(n, 3, 24): gaps that ended, by beginning and hour of the end."""
    expected: Floats
    """(n, 3, 24): how many would have by the cohort."""
    gap: Floats
    """(n, 24): cumulated hazard of the present gap, by hour."""
    age: Ints
    """(n,): its steps."""
    began: Ints
    """(n,): INSIDE, BED or DOOR; NONE before the first sign."""
    broken: NDArray[np.bool_]
    """(n,): signs may have been missed, so it is not learned."""

    @classmethod
    def new(cls, homes: int) -> Self:
        """Of homes of which nothing is known."""
        table = (homes, _BEGINNINGS, _HOURS)
        return cls(
            np.zeros(table), np.zeros(table), np.zeros((homes, _HOURS)),
            np.zeros(homes, dtype=np.int64), np.zeros(homes, dtype=np.int64),
            np.zeros(homes, dtype=bool),
        )  # fmt: skip

    def copy(self) -> Memory:
        """Another one, of the same values."""
        return Memory(**{name: value.copy() for name, value in vars(self).items()})

    def state(self) -> dict[str, Any]:
        """Itself in plain values."""
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The reverse of `state`."""
        kinds: dict[str, type] = {"age": np.int64, "began": np.int64, "broken": np.bool_}
        homes = len(state["age"])
        new = cls.new(homes)
        for name, value in vars(new).items():
            given: NDArray[Any] = np.array(state[name], dtype=kinds.get(name, np.float64))
            setattr(new, name, given.reshape(value.shape))
        return new


@dataclass(frozen=True)
class Scored:
    """At the end of each step; arrays (t, n)."""

    probability: Floats
    """That a gap is at least as long as the present one; 1 in a step with a sign, NaN before the
    first sign."""
    silent_s: Floats
    """How long it is."""
    usual_signs: Floats
    """Signs of life that this home would usually have given in it: the number behind it."""
    began: Ints
    """What began it."""
    memory: Memory


@dataclass(frozen=True)
class Silence:
    """The cohort's hazard."""

    hazard: Floats
    """(3, 2, 24, bins): a step's -log(1 - chance that the gap ends)."""

    @classmethod
    def fit(cls, steps: Steps) -> Self:
        """Count over the homes of a cohort.

        What is seldom seen is pulled, with the weight of 50 steps, to an hour's hazard times what a
        length does to the hazard at all hours.
        """
        memory = Memory.new(steps.sign.shape[1])
        shape = (_BEGINNINGS, 2, _HOURS, _BINS)
        exposed, ended = np.zeros(shape), np.zeros(shape)
        for sign, heard, hour, weekend in _each(steps):
            counts = (memory.began > 0) & (heard > 0) & ~memory.broken
            at = ((memory.began[counts] - 1) * 2 + weekend) * _HOURS + hour
            at = at * _BINS + _bin(memory.age[counts])
            exposed += np.bincount(at, minlength=exposed.size).reshape(shape)
            ended += np.bincount(at, sign[counts] > 0, exposed.size).reshape(shape)
            _go_on(memory, sign, heard)
        hourly = (ended.sum(3, keepdims=True) + 0.5) / (exposed.sum(3, keepdims=True) + _SMOOTH)
        would = (exposed * hourly).sum((1, 2), keepdims=True)
        lasting = (ended.sum((1, 2), keepdims=True) + 1.0) / (would + 1.0)
        usual = np.minimum(hourly * lasting, 0.95)
        chance = (ended + _SMOOTH * usual) / (exposed + _SMOOTH)
        return cls(-np.log1p(-np.minimum(chance, 0.99)))

    def score(self, steps: Steps, memory: Memory | None = None) -> Scored:
        """How unusual each step's silence is, by what was learned before that step's sign.

        Args:
            memory: what came of the steps before; left as it is. None: new homes.
        """
        homes = steps.sign.shape[1]
        now = Memory.new(homes) if memory is None else memory.copy()
        probability = np.full(steps.sign.shape, np.nan)
        silent, signs = probability.copy(), probability.copy()
        began = np.zeros(steps.sign.shape, dtype=np.int64)
        rows = np.arange(homes)
        for number, (sign, heard, hour, weekend) in enumerate(_each(steps)):
            place = np.maximum(now.began - 1, 0)
            step = self.hazard[place, int(weekend), hour, _bin(now.age)] * heard
            now.gap[:, hour] += np.where(now.began > 0, step, 0.0)
            ends = PRIOR + now.ends[rows, place]
            expected = PRIOR + now.expected[rows, place]
            chance = np.exp(-(ends * np.log1p(now.gap / expected)).sum(axis=1))
            now.ends *= _KEEP
            now.expected *= _KEEP
            learns = (sign > 0) & (now.began > 0) & ~now.broken & (chance > LEARNS_ABOVE)
            some = rows[learns]
            now.expected[some, place[some]] += now.gap[some]
            now.expected[some, place[some], hour] -= _unspent(
                step[some], ends[some, hour] / expected[some, hour]
            )
            now.ends[some, place[some], hour] += 1.0
            known = now.began > 0
            usual = (now.gap * ends / expected).sum(axis=1)
            _go_on(now, sign, heard)
            quiet = known & (sign == NONE)
            probability[number] = np.where(sign > 0, 1.0, np.where(quiet, chance, np.nan))
            silent[number] = np.where(now.began > 0, now.age * float(STEP_S), np.nan)
            signs[number] = np.where(sign > 0, 0.0, np.where(quiet, usual, np.nan))
            began[number] = now.began
        return Scored(probability, silent, signs, began, now)

    def state(self) -> dict[str, Any]:
        """Itself in plain values."""
        return {"hazard": self.hazard.tolist()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The reverse of `state`.

        Raises:
            ValueError: it is no hazard of this version's bins.
        """
        hazard = np.array(state["hazard"], dtype=np.float64)
        if hazard.shape != (_BEGINNINGS, 2, _HOURS, _BINS) or not (hazard > 0).all():
            raise ValueError("the hazard is not of this version's hours and lengths")
        return cls(hazard)


def _each(steps: Steps) -> Iterator[tuple[Ints, Floats, int, bool]]:
    heard = np.nan_to_num(steps.listening)
    hours, weekend = steps.hour.tolist(), steps.weekend.tolist()
    return zip(steps.sign, heard, hours, weekend, strict=True)


def _unspent(step: Floats, factor: Floats) -> Floats:
    """The part of a step's hazard that lies after a sign in it, on average.

    A sign at rate c = factor · step within the step, given that there is one, comes after
    1 / c - 1 / (exp c - 1) of it.
    """
    rate = np.maximum(factor * step, 1e-6)
    unspent: Floats = step * (1.0 - (1.0 / rate - 1.0 / np.expm1(rate)))
    return unspent


def _bin(age: Ints) -> Ints:
    found: Ints = np.searchsorted(AGES, age, side="right")
    return found


def _go_on(memory: Memory, sign: Ints, heard: Floats) -> None:
    """A sign begins a new gap; without one the present gap is longer, if anybody listened."""
    signed = sign > 0
    memory.began[signed] = sign[signed]
    memory.gap[signed] = 0.0
    memory.age = np.where(signed, 0, memory.age + (heard > 0))
    memory.broken = ~signed & (memory.broken | (heard <= 0))
