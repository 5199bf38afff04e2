"""What is usual for one subject at this time of day, and how unusual a reading is for them.

A personal value is the cohort's curve over the hours of the day, plus a deviation of one's own: a
level and one harmonic of 24 h,

    y = curve(h) + x(h)·β + e,   x = (1, cos 2πh/24, sin 2πh/24),   β ~ N(0, B),   e ~ t(0, s²).

β is estimated by recursive least squares with exponential forgetting, with B as a prior that is
never forgotten (partial pooling: Laird and Ware, Biometrics 1982;38:963): without readings of one's
own the cohort speaks, with each effective day it says less, and after a long silence more again. s²
is one's own spread, drawn to the cohort's as a scaled inverse χ² prior of ν degrees (Smyth, Stat
Appl Genet Mol Biol 2004;3:3). A reading's z is Student's t of ν + own weight degrees, put on the
scale of the normal distribution, so that a 4 on the first day means what a 4 means in a year.

What it learns from. A reading weighs 1 - exp(-gap / MEMORY): a thousand readings of a monitor say
no more than the hours they span. It weighs less from KNEE spreads on (Huber, Ann Math Stat
1964;35:73) and nothing beyond FAR; and nothing while the caller holds learning back (an open
episode). What lies away for NEW_LEVEL days more than it lies at home is the new level: the baseline
moves there, at once.

Clock times are local (a routine moves with the clock), durations are UTC. A reading is scored
before it is learned from. State is one CELL for each subject and metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cohort import Cohort, basis
from models.readings import DAY, Flags, Floats, Indexes, Readings, begun, clock, rounds
from models.tails import as_normal, two_sided

Memory = NDArray[np.void]
"""(subjects, metrics) of CELL; all zeros: nothing is known. A row's `tobytes` is a subject's."""

FORGETS = 43 * DAY
"""Seconds in which weight falls to 1/e: half in thirty days."""
MEMORY = 3 * 3600.0
"""Seconds over which readings of one subject repeat one another."""
KNEE = 2.0
"""Spreads from which on a reading weighs less: KNEE / |z|."""
FAR = 4.0
"""Spreads beyond which a reading is not learned from; by chance one of 16,000 lies there."""
NEW_LEVEL = 21
"""Days at another level until it is one's own: longer than an acute illness keeps signs away."""
_AWAY_FORGETS = 7 * DAY
"""The new level is where readings were lately, not on the way there."""
_BLOCK = 8192
"""Values at a time: what is computed on the way stays in the processor's cache."""

CELL = np.dtype(
    [
        ("at", "<f8"),  # Unix seconds of the last reading; 0: none
        ("information", "<f4", (6,)),  # Σ w x xᵀ, lower triangle by rows
        ("pulled", "<f4", (3,)),  # Σ w (y - curve) x
        ("weight", "<f4"),  # Σ w of the spread
        ("squares", "<f4"),  # Σ w e²
        ("days", "<f4"),  # days learned from, forgotten like the rest
        ("day", "<i4"),  # the last of them, local, since 1970-01-01
        ("away", "<f4", (3,)),  # Σ w, Σ w e, Σ w e² of what lies at another level
        ("away_days", "<i4"),
        ("away_day", "<i4"),
    ]
)
# Of a normal distribution, the mean of min(z², KNEE²): what bounding takes from a variance.
_BOUNDED = 0.9205


@dataclass(frozen=True)
class Unusual:
    """Scores of readings; arrays (rows, metrics), NaN where nothing was measured."""

    expected: Floats
    """Usual for this subject at this time of day, in the metric's unit."""
    spread: Floats
    """Deviation of readings about it, that of not knowing it included; never below 0."""
    z: Floats
    """How far out, with its sign, on the scale of the normal distribution."""
    tail: Floats
    """0 … 1: how likely a reading at least as far out is, on either side."""
    days: Floats
    """Days of own readings that speak, those long ago in part."""
    known: Floats
    """0 … 1: the share of what people differ by that is known of this one, at this hour."""
    learned: Flags
    """Whether the reading will count from now on."""
    memory: Memory
    """What the next readings need."""


@dataclass(frozen=True)
class Baseline:
    """A baseline that knows its cohort; scoring never changes it."""

    cohort: Cohort

    @classmethod
    def fit(cls, readings: Readings) -> Baseline:
        """Learn the cohort from readings of many subjects.

        Raises:
            ModelError: there are too few subjects of some metric.
        """
        return cls(Cohort.fit(readings, memory=MEMORY))

    def score(self, readings: Readings, memory: Memory | None = None) -> Unusual:
        """Score rows, each by what was before it, and learn from them.

        Rows may be in any order; those of a subject are taken in order of time, and one that is
        older than what is known of its subject is scored and not learned from. In pieces or at
        once, in whatever order subjects are, scores are the same.

        Raises:
            ValueError: another number of metrics; a value that is no measurement; a subject that
                is not in memory.
        """
        cells = begun(readings.subject, readings.value, len(self.cohort.scale), memory, CELL)
        shape = readings.value.shape
        found = {name: np.full(shape, np.nan) for name in _NUMBERS}
        learned = np.zeros(shape, dtype=bool)
        for rows in rounds(readings.subject, readings.time):
            place, metric = np.nonzero(~np.isnan(readings.value[rows]))
            row = rows[place]
            for start in range(0, len(row), _BLOCK):
                self._round(
                    readings, row[start : start + _BLOCK], metric[start : start + _BLOCK],
                    cells, found, learned,
                )  # fmt: skip
        return Unusual(**found, learned=learned, memory=cells)

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {"cohort": self.cohort.state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Baseline:
        """The reverse of `state`.

        Raises:
            ValueError: these are not a baseline's values.
        """
        return cls(Cohort.from_state(state["cohort"]))

    def _round(
        self,
        readings: Readings,
        row: Indexes,
        metric: Indexes,
        cells: Memory,
        found: dict[str, Floats],
        learned: Flags,
    ) -> None:
        """Score and learn values (row, metric), at most one of each subject and metric."""
        subject, time = readings.subject[row], readings.time[row]
        y, (day, hour) = readings.value[row, metric], clock(readings.local[row])
        cell = cells[subject, metric]
        late = time < cell["at"]
        gap = np.maximum(time - cell["at"], 0.0)
        keeps = np.exp(-gap / FORGETS)
        information = _components(cell["information"]) * keeps
        pulled = _components(cell["pulled"]) * keeps
        weight, squares = cell["weight"] * keeps, cell["squares"] * keeps
        days = cell["days"] * keeps

        degrees = self.cohort.degrees[metric]
        variance = (degrees * self.cohort.scale[metric] + squares) / (degrees + weight)
        system = information + variance * self.cohort.inverse[:, metric]
        x = basis(hour)
        own, unsure = _solve(system, pulled, x)
        usual = self.cohort.at(metric, hour)
        expected = usual + own[0] + own[1] * x[1] + own[2] * x[2]
        error = y - expected
        spread = np.sqrt(variance * (1.0 + unsure))
        z = as_normal(error / spread, degrees + weight)
        between = self.cohort.between(metric, x)

        where = (row, metric)
        found["expected"][where], found["spread"][where] = expected, spread
        found["z"][where], found["tail"][where] = z, two_sided(z)
        found["days"][where] = days
        found["known"][where] = np.clip(1.0 - variance * unsure / between, 0.0, 1.0)

        far = np.abs(z)
        held = readings.held[row]
        counts = (far <= FAR) & ~held & ~late
        learned[where] = counts
        speaks = 1.0 - np.exp(-gap / MEMORY)
        w = counts * speaks
        within = error * error / (1.0 + unsure)
        bound = (KNEE * KNEE) * variance
        weight += w
        squares += w * np.minimum(within, bound) / _BOUNDED
        w = w * (KNEE / np.maximum(far, KNEE))
        information += w * _outer(x)
        pulled += (w * (y - usual)) * x
        new_day = counts & (day != cell["day"])
        days += new_day

        # What lies away: where, and on how many days more than not.
        away = ~counts & (far > KNEE) & ~late
        stays = np.exp(-gap / _AWAY_FORGETS)
        other = _components(cell["away"]) * stays
        w = away * speaks
        other += w * np.stack([np.ones_like(error), error, error * error])
        new_away = away & (day != cell["away_day"])
        away_days = cell["away_days"] + new_away
        away_days = np.maximum(away_days - new_day, 0)
        moved = away_days >= NEW_LEVEL
        if moved.any():
            by = other[1] / np.maximum(other[0], 1e-9)
            pulled += np.where(moved, by, 0.0) * np.stack([system[0], system[1], system[3]])
            rest = np.maximum(other[2] - other[0] * by * by, 0.0)
            weight, squares = np.where(moved, other[0], weight), np.where(moved, rest, squares)
            days = np.where(moved, away_days, days)
            away_days = np.where(moved, 0, away_days)
        other *= away_days > 0

        cell["at"] = np.maximum(time, cell["at"])
        cell["information"], cell["pulled"] = information.T, pulled.T
        cell["weight"], cell["squares"], cell["days"] = weight, squares, days
        cell["day"] = np.where(new_day, day, cell["day"])
        cell["away"], cell["away_days"] = other.T, away_days
        cell["away_day"] = np.where(new_away, day, cell["away_day"])
        cells[subject, metric] = cell


_NUMBERS = ("expected", "spread", "z", "tail", "days", "known")


def _components(field: NDArray[np.float32]) -> Floats:
    """(n, k) as stored to (k, n) as computed with."""
    return field.T.astype(np.float64, order="C")


def _outer(x: Floats) -> Floats:
    """Lower triangles of x xᵀ, by rows (6, n), of (3, n)."""
    one, c, s = x
    return np.stack([one, c, c * c, s, c * s, s * s])


def _solve(system: Floats, right: Floats, x: Floats) -> tuple[Floats, Floats]:
    """A⁻¹ b, (3, n), and xᵀ A⁻¹ x, (n,), of lower triangles (6, n), by Cholesky.

    Element by element: three unknowns a hundred thousand times are for vectors, not for LAPACK.
    """
    a00, a10, a11, a20, a21, a22 = system
    l00 = np.sqrt(a00)
    l10, l20 = a10 / l00, a20 / l00
    l11 = np.sqrt(a11 - l10 * l10)
    l21 = (a21 - l20 * l10) / l11
    l22 = np.sqrt(a22 - l20 * l20 - l21 * l21)
    f0 = right[0] / l00
    f1 = (right[1] - l10 * f0) / l11
    f2 = (right[2] - l20 * f0 - l21 * f1) / l22
    b2 = f2 / l22
    b1 = (f1 - l21 * b2) / l11
    b0 = (f0 - l10 * b1 - l20 * b2) / l00
    g0 = x[0] / l00
    g1 = (x[1] - l10 * g0) / l11
    g2 = (x[2] - l20 * g0 - l21 * g1) / l22
    return np.stack([b0, b1, b2]), g0 * g0 + g1 * g1 + g2 * g2
