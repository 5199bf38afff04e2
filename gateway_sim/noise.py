"""Noise that is a pure function of who, what and when.

A generator with a state would give other values after a restart, or for another step; here any
moment of any person can be asked for in any order, and the answer is the same, bit for bit. The
hash is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA
2014), on arrays.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_ALL = 0xFFFFFFFFFFFFFFFF
_LOW_16 = np.uint64(0xFFFF)


def mix(keys: Keys) -> Keys:
    """Hash 64-bit keys to 64-bit keys; shape stays."""
    x = keys + _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


def key(*parts: int) -> np.uint64:
    """One key from several numbers, order mattering."""
    state = 0
    for part in parts:
        state = _mix_one(state ^ _mix_one(part & _ALL))
    return np.uint64(state)


def _mix_one(x: int) -> int:
    """`mix` of one number: Python's own are quicker than an array of one."""
    x = (x + int(_GOLDEN)) & _ALL
    x = ((x ^ (x >> 30)) * int(_MIX_1)) & _ALL
    x = ((x ^ (x >> 27)) * int(_MIX_2)) & _ALL
    return x ^ (x >> 31)


def uniform(keys: Keys) -> Floats:
    """A number in [0, 1) for each key."""
    return (mix(keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(keys: Keys) -> Floats:
    """A number for each key, mean 0, deviation 1, never beyond 3.47: the sum of four uniforms.

    Bounded on purpose, so that noise alone never makes a healthy person impossible.
    """
    bits = mix(keys)
    total = (bits & _LOW_16).astype(np.float64)
    for shift in (16, 32, 48):
        total += ((bits >> np.uint64(shift)) & _LOW_16).astype(np.float64)
    result: Floats = (total / 65536.0 - 2.0) * np.sqrt(3.0)
    return result


def exponential(keys: Keys) -> Floats:
    """A number above 0 for each key, mean 1, exponentially distributed."""
    return -np.log1p(-uniform(keys))


def white(keys: Keys, time: Floats, step: float) -> Floats:
    """Noise that is independent from one `step` (seconds) to the next; deviation 1."""
    return normal(keys ^ mix(_lattice(time, step)))


def smooth(keys: Keys, time: Floats, period: float) -> Floats:
    """Noise that changes smoothly over about `period` (seconds); deviation 1."""
    lattice = _lattice(time, period)
    part = time / period - np.floor(time / period)
    weight = part * part * (3.0 - 2.0 * part)
    before = normal(keys ^ mix(lattice))
    after = normal(keys ^ mix(lattice + np.uint64(1)))
    spread = np.sqrt((1.0 - weight) ** 2 + weight**2)
    return (before * (1.0 - weight) + after * weight) / spread


def normals(keys: Keys) -> Floats:
    """Six independent numbers for each key, mean 0, deviation 1, never beyond 3.3, shape (6, n).

    One hash has bits for six: ten each look up a quantile of the normal distribution.
    """
    bits = mix(keys)
    table = _quantiles()
    return np.stack([table[(bits >> np.uint64(10 * n)) & np.uint64(1023)] for n in range(6)])


def remembering(keys: Keys, time: Floats, memory: list[tuple[float, float]]) -> Floats:
    """Six independent noises that remember: mean 0, deviation 1, shape (6, n).

    A sum of smooth noises, whose correlation falls off over hours as an autoregressive process's
    does, yet each moment can be asked for alone.

    Args:
        keys: of each (person, time), shape (n,).
        time: Unix seconds, shape (n,).
        memory: period in seconds and share of the variance of each smooth noise; shares sum to 1.
    """
    total = np.zeros((6, len(time)))
    for number, (period, share) in enumerate(memory):
        own = keys ^ key(70, number)
        at = time / period
        knot = np.floor(at)
        part = at - knot
        weight = part * part * (3.0 - 2.0 * part)
        scale = np.sqrt(share / ((1.0 - weight) ** 2 + weight**2))
        lattice = knot.astype(np.int64).astype(np.uint64)
        total += normals(own ^ mix(lattice)) * ((1.0 - weight) * scale)
        total += normals(own ^ mix(lattice + np.uint64(1))) * (weight * scale)
    return total


@cache
def _quantiles() -> Floats:
    ideal = NormalDist()
    table = np.array([ideal.inv_cdf((n + 0.5) / 1024) for n in range(1024)])
    scaled: Floats = table / table.std()
    scaled.flags.writeable = False
    return scaled


def _lattice(time: Floats, step: float) -> Keys:
    return np.floor(time / step).astype(np.int64).astype(np.uint64)
