"""National Early Warning Score 2 (Royal College of Physicians, 2017), complete and exact.

Values are rounded to the chart's resolution first (temperature to 0.1 °C, everything else to 1),
because an average such as pulse 40.5 or temperature 35.05 lies between two bands of the chart.
Halves go up, as a person rounds: 40.5 -> 41, 35.05 -> 35.1. Rounding is decimal: the noise of
binary fractions (35.05 is stored as 35.04999…) is taken off before.

What is not known is never counted as 0. The score is a range: `low` counts what is known ("at
least"), `high` gives what is missing the most points the chart allows. Oxygen unknown is missing
too; on scale 2 with SpO2 of 93 or more the points for SpO2 themselves depend on it and are a range.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

PARAMETERS = (
    "respiratory_rate",
    "spo2",
    "oxygen",
    "systolic",
    "pulse",
    "consciousness",
    "temperature",
)
"""In the chart's order; the rows of every array here that has one row a parameter."""

RESOLUTION = {"temperature": 0.1}
"""What a value is rounded to, where it is not 1."""

HIGHEST = np.array([3, 3, 2, 3, 3, 3, 3], dtype=np.int8)
"""The most points each parameter can give; 20 in all."""

Parameter = Literal[
    "respiratory_rate", "spo2", "oxygen", "systolic", "pulse", "consciousness", "temperature"
]
Floats = NDArray[np.float64]
Points = NDArray[np.int8]


class Risk(IntEnum):
    """Clinical risk by the chart."""

    LOW = 0
    """0 to 4."""
    LOW_MEDIUM = 1
    """3 in a single parameter."""
    MEDIUM = 2
    """5 to 6."""
    HIGH = 3
    """7 or more."""


@dataclass(frozen=True, slots=True)
class News2:
    """Scores of n subjects; arrays of shape (n,) unless said otherwise.

    `risk` and `single_three` are of what is certain, so with something missing they are "at least".
    """

    points_low: Points
    """(7, n), by parameter in the order of PARAMETERS; 0 where missing."""
    points_high: Points
    """(7, n); the most that is possible."""
    missing: NDArray[np.bool_]
    """(7, n)."""
    low: Points
    high: Points
    single_three: NDArray[np.bool_]
    risk: Points
    """Values of Risk."""
    spo2_range: NDArray[np.bool_]
    """SpO2 is known, yet its points depend on oxygen, which is not."""


class _Band:
    """Points by value: `points[i]` up to and including `upto[i]`, the last one above all."""

    def __init__(self, upto: list[int], points: list[int]) -> None:
        self.upto = np.array(upto)
        self.points = np.array(points, dtype=np.int8)

    def __call__(self, steps: Floats) -> Points:
        return self.points[np.searchsorted(self.upto, steps, side="left")]


# Upper ends of the chart's bands, in steps of the resolution (temperature in tenths).
_RESPIRATION = _Band([8, 11, 20, 24], [3, 1, 0, 2, 3])
_SPO2_SCALE_1 = _Band([91, 93, 95], [3, 2, 1, 0])
_SPO2_SCALE_2_ON_AIR = _Band([83, 85, 87], [3, 2, 1, 0])
_SPO2_SCALE_2_ON_OXYGEN = _Band([83, 85, 87, 92, 94, 96], [3, 2, 1, 0, 1, 2, 3])
_OXYGEN = _Band([0], [0, 2])
_SYSTOLIC = _Band([90, 100, 110, 219], [3, 2, 1, 0, 3])
_PULSE = _Band([40, 50, 90, 110, 130], [3, 1, 0, 1, 2, 3])
_CONSCIOUSNESS = _Band([0], [0, 3])
_TEMPERATURE = _Band([350, 360, 380, 390], [3, 1, 0, 1, 2])


def round_half_up(values: ArrayLike, resolution: float = 1.0) -> Floats:
    """Whole steps of `resolution` in `values`, halves up; NaN and infinities stay.

    A millionth of a step is taken for the noise of binary fractions.
    """
    steps = np.asarray(values, dtype=np.float64) / resolution
    return np.asarray(np.floor(steps + 0.5 + 1e-6), dtype=np.float64)


def news2(
    *,
    respiratory_rate: ArrayLike,
    spo2: ArrayLike,
    oxygen: ArrayLike,
    systolic: ArrayLike,
    pulse: ArrayLike,
    consciousness: ArrayLike,
    temperature: ArrayLike,
    scale: ArrayLike = 1,
) -> News2:
    """Score n subjects at once; NaN is missing.

    Args:
        respiratory_rate: breaths a minute.
        spo2: per cent.
        oxygen: 0 on air; any flow above 0, or 1, on oxygen.
        systolic: mmHg.
        pulse: beats a minute.
        consciousness: 0 alert; 1 new confusion, 2 voice, 3 pain, 4 unresponsive.
        temperature: °C.
        scale: 1, or 2 for clients with confirmed hypercapnic failure and a prescribed target.

    Infinities are values: what a meter calls LO or HI counts in the outermost band.

    Raises:
        ValueError: shapes do not go together, or a scale is neither 1 nor 2.
    """
    given = np.broadcast_arrays(
        *(
            np.atleast_1d(np.asarray(value, dtype=np.float64))
            for value in (
                *(respiratory_rate, spo2, oxygen, systolic),
                *(pulse, consciousness, temperature, scale),
            )
        )
    )
    breaths, saturation, flow, pressure, beats, awake, heat, scales = given
    if not np.isin(scales, (1, 2)).all():
        raise ValueError("the SpO2 scale of NEWS2 is 1 or 2")
    missing = np.isnan(np.stack(given[:7]))
    # Any flow at all is oxygen, 0.4 l/min too: not rounded.
    on_oxygen = np.where(np.isnan(flow), np.nan, (flow > 0).astype(np.float64))
    percent = round_half_up(saturation)
    second = scales == 2
    with_air = np.where(second, _SPO2_SCALE_2_ON_AIR(percent), _SPO2_SCALE_1(percent))
    with_oxygen = np.where(second, _SPO2_SCALE_2_ON_OXYGEN(percent), _SPO2_SCALE_1(percent))
    low = np.stack(
        [
            _RESPIRATION(round_half_up(breaths)),
            np.where(on_oxygen == 1, with_oxygen, with_air),
            _OXYGEN(on_oxygen),
            _SYSTOLIC(round_half_up(pressure)),
            _PULSE(round_half_up(beats)),
            _CONSCIOUSNESS(round_half_up(awake)),
            _TEMPERATURE(round_half_up(heat, 0.1)),
        ]
    ).astype(np.int8)
    high = low.copy()
    high[1] = np.where(on_oxygen == 0, with_air, with_oxygen)
    low[missing] = 0
    high = np.where(missing, HIGHEST[:, None], high).astype(np.int8)
    total = low.sum(axis=0, dtype=np.int8)
    three = (low == 3).any(axis=0)
    risk = np.select(
        [total >= 7, total >= 5, three], [Risk.HIGH, Risk.MEDIUM, Risk.LOW_MEDIUM], Risk.LOW
    )
    return News2(
        points_low=low,
        points_high=high,
        missing=missing,
        low=total,
        high=high.sum(axis=0, dtype=np.int8),
        single_three=three,
        risk=risk.astype(np.int8),
        spo2_range=~missing[1] & (low[1] != high[1]),
    )


@dataclass(frozen=True, slots=True)
class Score:
    """One subject's score; the same as News2, in Python's words."""

    low: int
    high: int
    risk: Risk
    single_three: bool
    points: dict[str, tuple[int, int]]
    """Parameter -> lowest and highest points; only what is known."""
    missing: tuple[str, ...]
    spo2_range: bool


def at(scores: News2, index: int) -> Score:
    """The score of one of the subjects."""
    missing = scores.missing[:, index]
    return Score(
        low=int(scores.low[index]),
        high=int(scores.high[index]),
        risk=Risk(int(scores.risk[index])),
        single_three=bool(scores.single_three[index]),
        points={
            name: (int(scores.points_low[row, index]), int(scores.points_high[row, index]))
            for row, name in enumerate(PARAMETERS)
            if not missing[row]
        },
        missing=tuple(name for row, name in enumerate(PARAMETERS) if missing[row]),
        spo2_range=bool(scores.spo2_range[index]),
    )


def score(
    *,
    respiratory_rate: float | None = None,
    spo2: float | None = None,
    oxygen: float | None = None,
    systolic: float | None = None,
    pulse: float | None = None,
    consciousness: float | None = None,
    temperature: float | None = None,
    scale: Literal[1, 2] = 1,
) -> Score:
    """Score one subject; None is missing. Arguments as for `news2`."""

    def known(value: float | None) -> float:
        return float("nan") if value is None else value

    scores = news2(
        respiratory_rate=known(respiratory_rate),
        spo2=known(spo2),
        oxygen=known(oxygen),
        systolic=known(systolic),
        pulse=known(pulse),
        consciousness=known(consciousness),
        temperature=known(temperature),
        scale=scale,
    )
    return at(scores, 0)
