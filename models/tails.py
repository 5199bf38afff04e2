"""How far out a value is: Student's t on the scale of the normal distribution, and its chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

Floats = NDArray[np.float64]


def as_normal(t: Floats, degrees: Floats) -> Floats:
    """The normal deviate with about the tail of Student's t, sign kept; shapes equal.

    Wallace, Ann Math Stat 1959;30:1121: u = (8n + 1) / (8n + 3) · √(n log(1 + t²/n)). Within 0.04
    of the exact one for tails down to 0.1 % and n ≥ 4 (tests/unit/models/test_baseline.py).
    """
    u = (8.0 * degrees + 1.0) / (8.0 * degrees + 3.0)
    result: Floats = np.copysign(u * np.sqrt(degrees * np.log1p(t * t / degrees)), t)
    return result


def two_sided(z: Floats) -> Floats:
    """The chance of a normal deviate at least as far from 0, shape stays: erfc(|z| / √2)."""
    result: Floats = erfc(np.abs(z) * np.sqrt(0.5))
    return result
