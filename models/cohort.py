"""What is usual among people: the prior of a personal baseline, learned from many subjects.

For each metric the curve over the hours of the day; how people differ about it, in level and in one
harmonic of 24 h (the covariance B); the spread of one person's readings (s²) and how people differ
in that (ν). By expectation and maximisation for random effects (Laird and Ware, Biometrics
1982;38:963), and moments of log s² (Smyth, Stat Appl Genet Mol Biol 2004;3:3). Readings far from
their own person's usual (illness, another person on the scale) are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from core.errors import ModelError
from models.readings import Floats, Indexes, Readings, clock

HOURS = 24
LEAST_SUBJECTS = 5
"""Of a metric; fewer say nothing of how people differ."""
_PASSES = 3
_STEPS = 40
"""Of expectation and maximisation, in each pass."""
_FAR = 3.0
"""Spreads beyond which a reading is left out."""
_NARROWEST = 1e-3
"""Least variances, as a share of that of all readings: no matrix is singular."""
_DEGREES = (4.0, 60.0)
_SMOOTHING = 1.5
"""Hours over which neighbours on the clock speak for one another."""
_TRIANGLE = (0, 1, 1, 2, 2, 2), (0, 0, 1, 0, 1, 2)
"""Rows and columns of a lower triangle by rows, as arrays here hold symmetric matrices."""


@dataclass(frozen=True)
class Cohort:
    """m metrics."""

    curve: Floats
    """(m, 24): usual on the hour, in the metric's unit; straight lines between, round the clock."""
    covariance: Floats
    """(m, 3, 3): B, of level, cosine and sine."""
    scale: Floats
    """(m,): s², variance of a usual person's readings about their own usual."""
    degrees: Floats
    """(m,): ν, how much alike people are in it."""

    def __post_init__(self) -> None:
        metrics = len(self.scale)
        shapes = (self.curve.shape, self.covariance.shape, self.degrees.shape)
        arrays = (self.curve, self.covariance, self.scale, self.degrees)
        if shapes != ((metrics, HOURS), (metrics, 3, 3), (metrics,)) or not all(
            np.isfinite(array).all() for array in arrays
        ):
            raise ValueError("values of another shape, or not finite")
        if not (self.scale > 0).all() or not (self.degrees > 2).all():
            raise ValueError("a spread is above 0, and its degrees above 2")
        if not (np.linalg.eigvalsh(self.covariance) > 0).all():
            raise ValueError("a covariance is not positive")

    @cached_property
    def inverse(self) -> Floats:
        """B⁻¹, lower triangles (6, m)."""
        return _lower(np.asarray(np.linalg.inv(self.covariance), dtype=np.float64))

    @cached_property
    def _lower(self) -> Floats:
        return _lower(self.covariance)

    @classmethod
    def fit(cls, readings: Readings, memory: float) -> Cohort:
        """Learn from rows of many subjects, in any order.

        Args:
            memory: seconds over which readings of one subject repeat one another.

        Raises:
            ModelError: there are too few subjects of some metric.
        """
        _, hour = clock(readings.local)
        found = []
        for metric in range(readings.value.shape[1]):
            known = np.flatnonzero(~np.isnan(readings.value[:, metric]))
            order = np.lexsort((readings.time[known], readings.subject[known]))
            rows = known[order]
            names, subject = np.unique(readings.subject[rows], return_inverse=True)
            if len(names) < LEAST_SUBJECTS:
                raise ModelError(
                    f"A baseline cannot be learned here: of metric {metric + 1} there are readings "
                    f"of {len(names)} subjects, and it needs those of {LEAST_SUBJECTS} at least."
                )
            gap = np.diff(readings.time[rows], prepend=-np.inf)
            gap[np.diff(subject, prepend=-1) != 0] = np.inf
            found.append(
                _of_metric(
                    readings.value[rows, metric], hour[rows], subject, -np.expm1(-gap / memory)
                )
            )
        curve, covariance, scale, degrees = (np.array(part) for part in zip(*found, strict=True))
        return cls(curve, covariance, scale, degrees)

    def at(self, metric: Indexes, hour: Floats) -> Floats:
        """The curve of metrics at hours (0 ≤ h < 24), both (n,)."""
        first = hour.astype(np.int64)
        part = hour - first
        return (
            self.curve[metric, first] * (1.0 - part)
            + self.curve[metric, (first + 1) % HOURS] * part
        )

    def between(self, metric: Indexes, x: Floats) -> Floats:
        """xᵀ B x, (n,): the variance between people, of basis values (3, n)."""
        return quadratic(self._lower[:, metric], x)

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "curve": self.curve.tolist(),
            "covariance": self.covariance.tolist(),
            "scale": self.scale.tolist(),
            "degrees": self.degrees.tolist(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Cohort:
        """The reverse of `state`.

        Raises:
            ValueError: these are not a cohort's values.
        """
        names = ("curve", "covariance", "scale", "degrees")
        return cls(*(np.array(state[name], dtype=float) for name in names))


def basis(hour: Floats) -> Floats:
    """(3, n): 1, cosine and sine of the hour of the day."""
    turn = hour * (2.0 * np.pi / HOURS)
    return np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn)])


def quadratic(lower: Floats, x: Floats) -> Floats:
    """xᵀ A x, (n,), of lower triangles (6, n) and vectors (3, n)."""
    a00, a10, a11, a20, a21, a22 = lower
    one, c, s = x
    result: Floats = a00 * one + c * (2.0 * a10 + a11 * c) + s * (2.0 * (a20 + a21 * c) + a22 * s)
    return result


def _lower(matrices: Floats) -> Floats:
    """(6, m) of (m, 3, 3)."""
    return np.ascontiguousarray(matrices[:, _TRIANGLE[0], _TRIANGLE[1]].T)


def _of_metric(
    y: Floats, hour: Floats, subject: Indexes, weight: Floats
) -> tuple[Floats, Floats, float, float]:
    """Curve, B, s² and ν of one metric's readings (n,)."""
    people = int(subject[-1]) + 1
    least = max(float(np.var(y)), 1e-12) * _NARROWEST
    own = np.array([np.median(part) for part in np.split(y, np.flatnonzero(np.diff(subject)) + 1)])
    curve = _smooth(y - own[subject], hour) + np.median(own)
    kept = np.ones(len(y), dtype=bool)
    x = basis(hour).T
    covariance, variance = np.eye(3), np.ones(people)
    for _ in range(_PASSES):
        usual = np.interp(hour, np.arange(HOURS + 1), np.append(curve, curve[0]))
        covariance, variance, effect, scale, degrees = _effects(
            y - usual, x, subject, weight * kept, people, least
        )
        error = y - usual - (x * effect[subject]).sum(axis=1)
        kept = np.abs(error) <= _FAR * np.sqrt(variance[subject])
        # What the curve misses of everybody is the curve's.
        curve = curve + _smooth(np.where(kept, error, np.nan), hour)
        curve = curve + basis(np.arange(HOURS, dtype=float)).T @ effect.mean(axis=0)
    return curve, covariance, scale, degrees


def _effects(
    r: Floats, x: Floats, subject: Indexes, weight: Floats, people: int, least: float
) -> tuple[Floats, Floats, Floats, float, float]:
    """B (3, 3), own variances and effects (people, …), s² and ν, of residuals about the curve."""
    moments = np.stack(
        [
            np.bincount(subject, weight * x[:, i] * x[:, j], people)
            for i in range(3)
            for j in range(3)
        ],
        axis=1,
    ).reshape(people, 3, 3)
    pulled = np.stack(
        [np.bincount(subject, weight * r * x[:, i], people) for i in range(3)], axis=1
    )
    total = np.asarray(np.bincount(subject, weight, people), dtype=np.float64)
    squares = np.bincount(subject, weight * r * r, people)
    mean = pulled[:, 0] / np.maximum(total, 1e-9)
    covariance = np.diag([max(float(np.var(mean)), least), least, least])
    scale = max(float(np.sum(squares - total * mean**2) / max(total.sum(), 1e-9)), least)
    variance, degrees = np.full(people, scale), _DEGREES[0]
    effect = np.zeros((people, 3))
    for _ in range(_STEPS):
        spread = np.linalg.inv(np.linalg.inv(covariance) + moments / variance[:, None, None])
        effect = np.einsum("pij,pj->pi", spread, pulled / variance[:, None])
        covariance = (np.einsum("pi,pj->ij", effect, effect) + spread.sum(axis=0)) / people
        covariance += least * np.eye(3)
        left = (
            squares
            - 2.0 * np.einsum("pi,pi->p", effect, pulled)
            + np.einsum("pij,pij->p", moments, spread + effect[:, :, None] * effect[:, None, :])
        )
        scale, degrees = _alike(np.maximum(left, 0.0) / np.maximum(total, 1e-9), total, least)
        variance = (degrees * scale + left) / (degrees + total)
    return covariance, variance, effect, scale, degrees


def _alike(variance: Floats, weight: Floats, least: float) -> tuple[float, float]:
    """s² and ν of own variances: the mean and variance of their logarithms, less what chance adds
    to each (2 / weight)."""
    enough = weight > 4.0
    if enough.sum() < LEAST_SUBJECTS:
        return max(float(np.average(variance, weights=weight)), least), _DEGREES[0]
    logs = np.log(np.maximum(variance[enough], least))
    apart = float(np.var(logs) - np.mean(2.0 / weight[enough]))
    degrees = float(np.clip(2.0 / max(apart, 1e-9), *_DEGREES))
    return max(float(np.exp(np.mean(logs))), least), degrees


def _smooth(value: Floats, hour: Floats) -> Floats:
    """(24,): medians by hour of the day, each with its neighbours round the clock.

    An hour without readings gets its neighbours' value; NaN is left out.
    """
    known = ~np.isnan(value)
    nearest = np.floor(hour[known] + 0.5).astype(np.int64) % HOURS
    order = np.argsort(nearest, kind="stable")
    count = np.bincount(nearest, minlength=HOURS)
    parts = np.split(value[known][order], np.cumsum(count)[:-1])
    medians = np.array([np.median(part) if len(part) else 0.0 for part in parts])
    apart = np.abs(np.subtract.outer(np.arange(HOURS), np.arange(HOURS)))
    near = np.exp(-0.5 * (np.minimum(apart, HOURS - apart) / _SMOOTHING) ** 2) * count
    result: Floats = near @ medians / np.maximum(near.sum(axis=1), 1e-300)
    return result
