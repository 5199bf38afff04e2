"""People and their vital signs, as a pure function of person and time.

Every person has own baselines; on them lie the day (sleep and waking, dip of pulse and pressure at
night, temperature highest in the late afternoon), bursts of activity, slow and fast noise, and an
illness. Everything is on arrays over (person, time) pairs.

The spreads are chosen so that a well person scores 0 to 2 on NEWS2 nearly always; they are
plausible values for adults at home, not fitted to a study.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gateway_sim.illness import Illnesses
from gateway_sim.localtime import local_hour
from gateway_sim.noise import Floats, Keys, key, mix, normal, smooth, uniform, white

VITALS = ("pulse", "spo2", "respiratory_rate", "systolic", "diastolic", "temperature")
"""Order of the columns of `People.vitals`; units as in the catalogue."""
DECIMALS = np.array([0, 0, 0, 0, 0, 1])
_LOW = np.array([25.0, 60.0, 4.0, 50.0, 25.0, 33.0])
_HIGH = np.array([190.0, 100.0, 45.0, 230.0, 130.0, 41.5])

Indexes = NDArray[np.int64]
WELL = Illnesses()


class People:
    """All people of a county; `who` below are indexes into them.

    Person number n of a seed is the same whatever the number of people.
    """

    def __init__(
        self, seed: int, count: int, conditions: Sequence[Sequence[str]] | None = None
    ) -> None:
        base = key(seed, 1)
        numbers = np.arange(count, dtype=np.uint64)
        self.keys: Keys = mix(mix(numbers) ^ base)
        self.conditions = [list(c) for c in conditions] if conditions else [[] for _ in numbers]
        hypertension = self._has("hypertension")
        self.baseline: Floats = np.column_stack(
            [
                self._spread(1, 69.0, 6.0, 56.0, 82.0),
                self._spread(2, 97.2, 0.6, 96.0, 98.6),
                self._spread(3, 15.3, 1.2, 13.0, 18.0),
                self._spread(4, 130.0, 9.0, 117.0, 148.0) + 9.0 * hypertension,
                self._spread(5, 76.0, 5.0, 66.0, 86.0) + 4.0 * hypertension,
                self._spread(6, 36.7, 0.14, 36.4, 37.0),
            ]
        )
        self.weight: Floats = self._spread(7, 74.0, 13.0, 46.0, 120.0)
        self.wakes: Floats = self._spread(8, 6.8, 0.7, 5.0, 9.0)
        """Usual hour of getting up, local time."""
        self.sleeps: Floats = self._spread(9, 22.3, 0.6, 20.5, 23.4)
        """Usual hour of going to bed, local time; before midnight."""

    def __len__(self) -> int:
        return len(self.keys)

    def _has(self, condition: str) -> Floats:
        return np.array([float(condition in c) for c in self.conditions])

    def _spread(self, salt: int, mean: float, deviation: float, low: float, high: float) -> Floats:
        drawn = mean + deviation * normal(self.keys ^ key(salt))
        baseline: Floats = np.clip(drawn, low, high)
        return baseline

    def vitals(self, who: Indexes, time: Floats, illnesses: Illnesses = WELL) -> Floats:
        """True vital signs, rounded as a good device shows them.

        Args:
            who: persons, shape (n,).
            time: Unix seconds, shape (n,).
            illnesses: of anybody; each acts on its own person.

        Returns:
            shape (n, 6), columns as in `VITALS`, units of the catalogue.
        """
        keys = self.keys[who]
        severity = illnesses.severity(who, time)
        hour = local_hour(time)
        awake = self._awake(who, hour)
        # The ill lie down: their pulse has fever for a reason, not stairs.
        active = (
            awake
            * (1.0 - np.minimum(1.0, 2.0 * severity))
            * np.clip(smooth(keys ^ key(20), time, 1500.0), 0.0, 2.0)
        )
        calm = 1.0 - 0.8 * severity
        asleep = 1.0 - awake
        pressure = smooth(keys ^ key(21), time, 4500.0)
        values = self.baseline[who] + np.column_stack(
            [
                -6.0 * asleep + 6.0 * active + calm * self._wander(keys, 22, time, 2.0, 1.2),
                -0.3 * asleep + calm * self._wander(keys, 23, time, 0.25, 0.25),
                -0.8 * asleep + 0.7 * active + calm * self._wander(keys, 24, time, 0.4, 0.4),
                -7.0 * asleep
                + 4.0 * active
                + 3.5 * pressure
                + 1.5 * white(keys ^ key(25), time, 60.0),
                -6.0 * asleep
                + 2.0 * active
                + 2.0 * pressure
                + 1.5 * white(keys ^ key(26), time, 60.0),
                0.22 * np.cos((hour - 17.0) * (np.pi / 12.0)) * calm
                + self._wander(keys, 27, time, 0.05, 0.04),
            ]
        )
        for column, sign in enumerate(VITALS):
            values[:, column] = illnesses.lean(sign, values[:, column], who, time)
        values = np.clip(values, _LOW, _HIGH)
        rounded: Floats = np.round(values)
        rounded[:, 5] = np.round(values[:, 5], 1)
        return rounded

    def weighs(self, who: Indexes, time: Floats, illnesses: Illnesses = WELL) -> Floats:
        """What a scale shows, kg, shape (n,)."""
        keys = self.keys[who] ^ key(30)
        true = self.weight[who] + 0.3 * smooth(keys, time, 3 * 86400.0)
        shown: Floats = np.round(illnesses.lean("weight", true, who, time), 1)
        return shown

    def _awake(self, who: Indexes, hour: Floats) -> Floats:
        """0 asleep … 1 awake, with half an hour of passage."""
        up = np.clip((hour - self.wakes[who] + 0.25) / 0.5, 0.0, 1.0)
        down = np.clip((self.sleeps[who] + 0.25 - hour) / 0.5, 0.0, 1.0)
        awake: Floats = up * down
        return awake

    @staticmethod
    def _wander(keys: Keys, salt: int, time: Floats, slow: float, fast: float) -> Floats:
        """Noise over hours (deviation `slow`) and from minute to minute (`fast`)."""
        own = keys ^ key(salt)
        return slow * smooth(own, time, 5 * 3600.0) + fast * white(own ^ key(1), time, 60.0)

    def chance(self, who: int, *parts: int) -> float:
        """A number in [0, 1) that belongs to one person and some other numbers."""
        return float(uniform(np.array([self.keys[who] ^ key(*parts)]))[0])
