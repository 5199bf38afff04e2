"""NEWS2 of the five signs that a worn monitor measures, on air, alert; RCP 2017."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway_sim.people import VITALS


def points(vitals: NDArray[np.float64]) -> NDArray[np.int64]:
    """Points per parameter, shape (n, 5), of vital signs of shape (n, 6)."""
    pulse, spo2, breaths, systolic, _, temperature = (vitals[:, n] for n in range(len(VITALS)))
    return np.stack(
        [
            _band(pulse, [40, 50, 90, 110, 130], [3, 1, 0, 1, 2, 3]),
            _band(spo2, [91, 93, 95], [3, 2, 1, 0]),
            _band(breaths, [8, 11, 20, 24], [3, 1, 0, 2, 3]),
            _band(systolic, [90, 100, 110, 219], [3, 2, 1, 0, 3]),
            _band(temperature, [35.0, 36.0, 38.0, 39.0], [3, 1, 0, 1, 2]),
        ],
        axis=1,
    )


def _band(values: NDArray[np.float64], upto: list[float], given: list[int]) -> NDArray[np.int64]:
    return np.array(given)[np.searchsorted(upto, values, side="left")]
