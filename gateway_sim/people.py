"""People and their vital signs, as a pure function of person and time.

Every person has usual values, by age, conditions and medicines. On them lie the day (sleep and
waking, the dip of pulse and pressure at night, temperature highest in the late afternoon), the
week and the year, bursts of activity, noise that remembers and noise that does not, and illness.
All numbers are in `people.toml`. Everything is on arrays over (person, time) pairs, and any pair
can be asked about in any order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gateway_sim.illness import Illnesses, Present, lean, severity_of
from gateway_sim.localtime import SUNDAY, local_days, weekday
from gateway_sim.noise import (
    Floats,
    Keys,
    key,
    mix,
    normals,
    remembering,
    smooth,
    uniform,
    white,
)
from gateway_sim.routine import routine
from gateway_sim.traits import VITALS, Spread, column, traits

__all__ = ["USUAL_AGE", "VITALS", "WELL", "Indexes", "People", "winter"]

_LOW = np.array([[25.0], [60.0], [4.0], [50.0], [25.0], [33.0]])
_HIGH = np.array([[190.0], [100.0], [45.0], [230.0], [130.0], [41.5]])
_PULSE, _SPO2, _, _SYSTOLIC, _DIASTOLIC, _TEMPERATURE = range(len(VITALS))
_LEAST_PULSE_PRESSURE = 12.0
_BLOCK = 8192
"""Rows at a time: what is computed on the way stays in the processor's cache."""
USUAL_AGE = 80.0

Indexes = NDArray[np.int64]
WELL = Illnesses()


class People:
    """All people of a county; `who` below are indexes into them.

    Person number n of a seed is the same whatever the number of people.

    Args:
        conditions: of each; nobody has any without.
        ages: of each, years; all are `USUAL_AGE` without.
    """

    def __init__(
        self,
        seed: int,
        count: int,
        conditions: Sequence[Sequence[str]] | None = None,
        ages: Sequence[float] | None = None,
    ) -> None:
        numbers = np.arange(count, dtype=np.uint64)
        self.keys: Keys = mix(mix(numbers) ^ key(seed, 1))
        self.conditions = [list(c) for c in conditions] if conditions else [[] for _ in numbers]
        self.ages: Floats = np.full(count, USUAL_AGE) if ages is None else np.asarray(ages, float)
        self._has = {
            name: np.array([name in c for c in self.conditions], dtype=bool)
            for name in traits().condition
        }
        self._takes = {
            name: self._prescribed(number, medicine.of)
            for number, (name, medicine) in enumerate(traits().medication.items())
        }
        self._usual: Floats = np.stack([self._baseline(n, sign) for n, sign in enumerate(VITALS)])
        self._usual[_SPO2] = np.minimum(self._usual[_SPO2], 98.6)
        self._jitters = np.repeat(column(traits().noise.jitters), count, axis=1)
        irregular = sum(has * traits().condition[name].irregular for name, has in self._has.items())
        self._jitters[_PULSE] = np.hypot(self._jitters[_PULSE], irregular)
        self._response = np.ones((len(VITALS), count))
        for name, takes in self._takes.items():
            for sign, share in traits().medication[name].response.items():
                self._response[VITALS.index(sign)] *= np.where(takes, share, 1.0)
        self.weight: Floats = self._baseline(7, "weight")
        """Usual weight, kg."""
        self.fasting: Floats = self._baseline(10, "glucose")
        """Usual fasting glucose, mmol/L."""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def baseline(self) -> Floats:
        """Usual vital signs, shape (people, 6)."""
        return self._usual.T

    def has(self, condition: str) -> NDArray[np.bool_]:
        """Who has a condition of `people.toml`, shape (people,)."""
        return self._has[condition]

    def takes(self, medication: str) -> NDArray[np.bool_]:
        """Who takes a medicine of `people.toml`, shape (people,)."""
        return self._takes[medication]

    def differing(self, salt: int, wanted: Spread) -> Floats:
        """A number of each person's own, shape (people,)."""
        return wanted.of(self.keys ^ key(salt))

    def vitals(self, who: Indexes, time: Floats, illnesses: Illnesses = WELL) -> Floats:
        """True vital signs, rounded as a good device shows them.

        Args:
            who: persons, shape (n,).
            time: Unix seconds, shape (n,).
            illnesses: of anybody; each acts on its own person.

        Returns:
            shape (n, 6), columns as in `VITALS`, units of the catalogue.
        """
        shown = np.empty((len(who), len(VITALS)))
        for start in range(0, len(who), _BLOCK):
            part = slice(start, start + _BLOCK)
            shown[part] = self._vitals(who[part], time[part], illnesses).T
        return shown

    def _vitals(self, who: Indexes, time: Floats, illnesses: Illnesses) -> Floats:
        rhythm = traits().rhythm
        keys = self.keys[who]
        day, hour = local_days(time)
        present = illnesses.present(who, time)
        severity = severity_of(present, len(who))
        since_up, awake = self._awake(who, day, hour)
        active = awake * np.clip(smooth(keys ^ key(20), time, 60.0 * rhythm.activity_minutes), 0, 2)
        active *= np.where(weekday(day) == SUNDAY, rhythm.sunday_activity, 1.0)
        # The ill lie down: their pulse has fever for a reason, not stairs; and they vary less.
        active *= 1.0 - np.minimum(1.0, 2.0 * severity)
        values = self._usual[:, who]
        values += column(rhythm.asleep) * (1.0 - awake)
        values += column(rhythm.active) * self._response[:, who] * active
        warmer = rhythm.temperature_swing * np.cos(
            (hour - rhythm.temperature_peak_h) * (np.pi / 12.0)
        )
        values[_TEMPERATURE] += warmer * (1.0 - 0.8 * severity)
        values[_PULSE] += rhythm.pulse_per_degree * warmer * (1.0 - 0.8 * severity)
        surge = np.clip(1.0 - since_up / rhythm.morning_surge.lasts_h, 0.0, 1.0) * awake
        cold = winter(day)
        values[_SYSTOLIC] += rhythm.morning_surge.systolic * surge
        values[_SYSTOLIC] += traits().season.systolic * cold
        values[_DIASTOLIC] += rhythm.morning_surge.diastolic * surge
        values[_DIASTOLIC] += traits().season.diastolic * cold
        values[_PULSE] += traits().season.pulse * cold
        self._fall_ill(values, who, present)
        values += self._noise(who, keys, time) * (1.0 - 0.6 * severity)
        np.clip(values, _LOW, _HIGH, out=values)
        shown: Floats = np.round(values)
        shown[_DIASTOLIC] = np.minimum(shown[_DIASTOLIC], shown[_SYSTOLIC] - _LEAST_PULSE_PRESSURE)
        shown[_TEMPERATURE] = np.round(values[_TEMPERATURE], 1)
        return shown

    def _noise(self, who: Indexes, keys: Keys, time: Floats) -> Floats:
        """What remembers, together between signs as they go, and what does not; shape (6, n)."""
        noise = traits().noise
        memory = [(3600.0 * hours, share) for hours, share in noise.memory_h]
        apart = remembering(keys, time, memory)
        minute = np.floor(time / 60.0).astype(np.int64).astype(np.uint64)
        total = normals(keys ^ key(22) ^ mix(minute)) * self._jitters[:, who]
        remembers = column(noise.remembers)
        for sign, parts in enumerate(noise.mixing()):
            for of, factor in parts:
                total[sign] += (factor * remembers[sign, 0]) * apart[of]
        return total

    def _fall_ill(self, values: Floats, who: Indexes, present: Present) -> None:
        """Move `values`, shape (6, n), by what is present; medicines blunt it."""
        if not present:
            return
        for number, sign in enumerate(VITALS):
            moved = lean(sign, values[number], present)
            values[number] += (moved - values[number]) * self._response[number, who]

    def weighs(self, who: Indexes, time: Floats, illnesses: Illnesses = WELL) -> Floats:
        """What a scale shows, kg, shape (n,)."""
        weight = traits().weight
        keys = self.keys[who] ^ key(30)
        day, hour = local_days(time)
        since_up, awake = self._awake(who, day, hour)
        true = (
            self.weight[who]
            + weight.remembers * smooth(keys, time, 3 * 86_400.0)
            + weight.jitters * white(keys ^ key(1), time, 60.0)
            + weight.within_a_day * awake * np.clip(since_up / 12.0, 0.0, 1.0)
            + traits().season.weight * winter(day)
        )
        shown: Floats = np.round(lean("weight", true, illnesses.present(who, time)), 1)
        return shown

    def glucose(self, who: Indexes, time: Floats, illnesses: Illnesses = WELL) -> Floats:
        """What a meter shows of the blood's glucose, mmol/L, shape (n,)."""
        data = traits().glucose
        keys = self.keys[who] ^ key(31)
        diabetes = self._has["type 2 diabetes"][who]
        _, hour = local_days(time)
        risen = np.zeros(len(who))
        for meal in data.meals_h:
            after = np.maximum(hour - meal, 0.0) / data.peaks_after_h
            risen = np.maximum(risen, after * np.exp(1.0 - after))
        remembers = np.where(diabetes, data.remembers_in_diabetes, data.remembers)
        true = (
            self.fasting[who]
            + np.where(diabetes, data.rise_in_diabetes, data.rise) * risen
            + remembers * smooth(keys, time, 6 * 3600.0)
            + data.jitters * white(keys ^ key(1), time, 60.0)
        )
        moved = lean("glucose", true, illnesses.present(who, time))
        bounded: Floats = np.clip(moved, 1.2, 30.0)
        shown: Floats = np.round(bounded, 1)
        return shown

    def rises(self, who: Indexes, day: Indexes) -> Floats:
        """Hour of getting up on local days (`localtime.local_days`), both shape (n,)."""
        return routine().rises(self.keys[who], day)

    def retires(self, who: Indexes, day: Indexes) -> Floats:
        """Hour of going to bed on local days, both shape (n,)."""
        return routine().retires(self.keys[who], day)

    def _awake(self, who: Indexes, day: Indexes, hour: Floats) -> tuple[Floats, Floats]:
        """Hours since getting up; 0 asleep … 1 awake, with half an hour of passage."""
        since_up = hour - self.rises(who, day)
        up = np.clip((since_up + 0.25) / 0.5, 0.0, 1.0)
        down = np.clip((self.retires(who, day) + 0.25 - hour) / 0.5, 0.0, 1.0)
        return np.maximum(since_up, 0.0), up * down

    def chance(self, who: int, *parts: int) -> float:
        """A number in [0, 1) that belongs to one person and some other numbers."""
        return float(uniform(np.array([self.keys[who] ^ key(*parts)]))[0])

    def _baseline(self, number: int, sign: str) -> Floats:
        usual = traits().baseline[sign]
        value = self.differing(number + 1 if number < len(VITALS) else number, usual)
        value = value + usual.per_decade * (self.ages - USUAL_AGE) / 10.0
        for name, has in self._has.items():
            value = value + getattr(traits().condition[name], sign) * has
        for name, takes in self._takes.items():
            value = value + getattr(traits().medication[name], sign) * takes
        return value

    def _prescribed(self, number: int, of: dict[str, float]) -> NDArray[np.bool_]:
        """Who takes a medicine: a share of those with each condition, the largest counting."""
        share = np.zeros(len(self.keys))
        for condition, part in of.items():
            share = np.maximum(share, part * self._has[condition])
        taken: NDArray[np.bool_] = uniform(self.keys ^ key(11, number)) < share
        return taken


def winter(day: Indexes) -> Floats:
    """1 at the height of the season, -1 half a year away, of days since 1970-01-01."""
    turn: Floats = np.cos((day % 365.2425 - traits().season.peak_day) * (2.0 * np.pi / 365.2425))
    return turn
