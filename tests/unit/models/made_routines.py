"""Homes whose signs of life and daily counts are drawn from known distributions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.routine import Days
from models.silence import BED, DOOR, INSIDE, Steps

STEPS_A_DAY = 288


def made_steps(homes: int = 12, days: int = 21, seed: int = 1, rate: float = 0.5) -> Steps:
    """Homes that are signed of at random by day, seldom by night; livelier and calmer ones."""
    rng = np.random.default_rng(seed)
    hour = np.tile(np.repeat(np.arange(24), 12), days)
    weekend = np.repeat(np.arange(days) % 7 > 4, STEPS_A_DAY)
    chance = np.where((hour >= 7) & (hour < 22), rate, 0.04)[:, None]
    chance = np.clip(chance * rng.gamma(20, 0.05, homes), 0.0, 0.95)
    kind = np.where((hour >= 22) | (hour < 7), BED, INSIDE)[:, None]
    kind = np.where(rng.random((len(hour), homes)) < 0.03, DOOR, kind)
    sign = np.where(rng.random((len(hour), homes)) < chance, kind, 0)
    sign[0] = INSIDE
    return Steps(hour, weekend, sign, np.ones(sign.shape))


def hard_of_hearing(steps: Steps) -> Steps:
    """The same, with half of the usual signs that would be heard."""
    return replace(steps, listening=np.full(steps.sign.shape, 0.5))


MEANS = np.array([60.0, 8.0, 1.5])
SIZE = 20.0
"""1 / φ of `made_days`."""


def made_days(homes: int = 30, days: int = 60, seed: int = 1) -> Days:
    """Negative binomial counts about each home's own mean."""
    rng = np.random.default_rng(seed)
    mean = MEANS * rng.gamma(10, 0.1, (homes, len(MEANS)))
    count = rng.poisson(mean * rng.gamma(SIZE, 1 / SIZE, (days, homes, len(MEANS))))
    return Days(count.astype(np.float64), np.zeros((days, homes), dtype=bool))


def without_a_sensor(days: Days) -> Days:
    """The same, with a sensor that is dead every other day."""
    count = days.count.copy()
    count[::2, :, 1] = np.nan
    return replace(days, count=count)
