"""Was a home-day one on which agitation is noted? From moves between rooms, by home-day.

TIHM's agitation labels come at three times of day only, and follow the activity of the hours
before, as if an algorithm of the study ran then and people confirmed what it found. So the model
has one window of hours for each of these runs, chosen where the training homes' moves best tell
that run's labels; one logistic regression over all windows; and a day's score is the chance that
any run finds something, 1 - Π(1 - p).

What is not known (no hallway sensor, no past days) is put at the value expected from what is known,
the conditional mean of a normal distribution; a window that is not known at all says nothing. Both
are named in the score's `missing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from core.errors import ModelError
from models.calibration import rounded
from models.home_days import MEASURES, Flags, Floats, HomeDays
from models.judging import auroc
from models.windows import Levels, Memory, Window, hours_of, levels, window_sums

RUNS = (8, 12, 18)
"""Hours (UTC) from which on labels come; the readings' clock, British Summer Time, is one ahead."""
_USUAL_WINDOWS: tuple[Window, ...] = ((-5, 1), (7, 13), (13, 19))
"""Six hours each, for a run with too few labels to choose by."""
_LENGTHS = range(4, 9)
_ENDS: tuple[range, ...] = (range(-1, 10), range(11, 14), range(17, 20))
"""The first run's may lie in the evening before."""
_FEW_LABELS = 3
_PENALTY = 1.0
"""scikit-learn's C: its default."""

FEATURES = (
    *(f"log(1 + {name} in the window)" for name in MEASURES),
    *(f"usual of log(1 + {name} in the window)" for name in MEASURES),
    *(f"window of the run at {hour:02d}:00 UTC" for hour in RUNS),
)
"""The model's inputs for one window; the last three say which one it is."""
_LEVELS = 2 * len(MEASURES)


@dataclass(frozen=True)
class Scored:
    """Scores of n home-days."""

    score: Floats
    """(n,), 0 … 1."""
    by_run: Floats
    """(n, 3), 0 where the window is not known."""
    now: Floats
    """(n, 3, 3): counts in the windows, by MEASURES; NaN where not known."""
    usual: Floats
    """(n, 3, 3): what is usual here, likewise."""
    weight: Floats
    """(n, 3, 3): what each measure, with its usual, adds to a run's log-odds."""
    memory: Memory
    """What the next days need."""


@dataclass(frozen=True)
class Agitation:
    """A trained model; scoring never changes it."""

    windows: tuple[Window, ...]
    mean: Floats
    """(6,), of the levels: the first features."""
    covariance: Floats
    """(6, 6)."""
    coefficients: Floats
    """(9,), by FEATURES; of the levels per standard deviation."""
    intercept: float

    @classmethod
    def fit(cls, days: HomeDays, labels: Flags) -> Agitation:
        """Learn from home-days and their labels by run, (n, 3).

        Raises:
            ModelError: all labels are alike.
        """
        from sklearn.linear_model import LogisticRegression

        if not labels.any() or by_day(labels).all():
            raise ModelError(
                "A model cannot be trained here: it needs home-days with an agitation label and "
                "home-days without."
            )
        windows = _choose(days, labels)
        rows, known = _rows(levels(days, windows))
        values, run = rows[known], np.nonzero(known)[1]
        heard = ~np.isnan(values)
        mean = np.where(heard, values, 0.0).sum(axis=0) / np.maximum(heard.sum(axis=0), 1)
        filled = np.where(heard, values, mean)
        covariance = np.cov(filled, rowvar=False)
        mean, covariance = _rounded(mean), _rounded(covariance)
        filled = _expected(values, mean, covariance)
        fitted = LogisticRegression(C=_PENALTY, tol=1e-8, max_iter=10_000)
        inputs = np.hstack([(filled - mean) / _scale(covariance), np.eye(len(RUNS))[run]])
        fitted.fit(inputs, labels[known])
        return cls(
            windows,
            mean,
            covariance,
            _rounded(fitted.coef_[0]),
            rounded(float(fitted.intercept_[0])),
        )

    def score(self, days: HomeDays, memory: Memory | None = None) -> Scored:
        """Score every home-day, from that date and the ones before it.

        `memory` is what scoring the days before gave: in pieces or at once, scores are the same.

        Raises:
            ValueError: days are not after those of the memory.
        """
        found = levels(days, self.windows, memory)
        rows, known = _rows(found)
        filled = np.zeros_like(rows)
        filled[known] = _expected(rows[known], self.mean, self.covariance)
        parts = self.coefficients[:_LEVELS] * (filled - self.mean) / _scale(self.covariance)
        parts[~known] = 0.0
        odds = self.intercept + self.coefficients[_LEVELS:] + parts.sum(axis=2)
        by_run = np.where(known, expit(odds), 0.0)
        weight = parts[:, :, : len(MEASURES)] + parts[:, :, len(MEASURES) :]
        return Scored(
            1.0 - np.prod(1.0 - by_run, axis=1),
            by_run,
            np.expm1(found.now),
            np.expm1(found.usual),
            weight,
            found.memory,
        )

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "windows": [list(window) for window in self.windows],
            "mean": self.mean.tolist(),
            "covariance": self.covariance.tolist(),
            "coefficients": self.coefficients.tolist(),
            "intercept": self.intercept,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Agitation:
        """The reverse of `state`.

        Raises:
            ValueError: these are not a model's values.
        """
        model = cls(
            tuple((int(first), int(end)) for first, end in state["windows"]),
            np.array(state["mean"], dtype=float),
            np.array(state["covariance"], dtype=float),
            np.array(state["coefficients"], dtype=float),
            float(state["intercept"]),
        )
        shapes = (model.mean.shape, model.covariance.shape, model.coefficients.shape)
        sound = (
            shapes == ((_LEVELS,), (_LEVELS, _LEVELS), (len(FEATURES),))
            and len(model.windows) == len(RUNS)
            and all(-24 <= first < end <= 24 for first, end in model.windows)
            and np.isfinite(model.intercept)
            and all(np.isfinite(a).all() for a in (model.mean, model.covariance))
            and bool(np.isfinite(model.coefficients).all())
        )
        if not sound:
            raise ValueError("values of another shape, or not finite")
        return model


def by_day(labels: Flags) -> Flags:
    """(n,): a label of any run, of labels by run (n, 3)."""
    return np.asarray(labels.any(axis=1))


def run_of(hour: int) -> int:
    """The run (place in RUNS) whose label came at that hour, UTC: the last one until then."""
    return max(int(np.searchsorted(RUNS, hour, side="right")) - 1, 0)


def _choose(days: HomeDays, labels: Flags) -> tuple[Window, ...]:
    """For each run the window in which moves best tell its labels; the first of equals."""
    hours = hours_of(days)
    found = []
    for run, usual in enumerate(_USUAL_WINDOWS):
        best, chosen = 0.0, usual
        if labels[:, run].sum() >= _FEW_LABELS:
            for end in _ENDS[run]:
                for length in _LENGTHS:
                    moves = window_sums(hours, (end - length, end))[:, MEASURES.index("moves")]
                    told = auroc(labels[:, run], np.nan_to_num(moves))
                    if told > best + 1e-9:
                        best, chosen = told, (end - length, end)
        found.append(chosen)
    return tuple(found)


def _rows(found: Levels) -> tuple[Floats, Flags]:
    """(n, 3, 6) levels, and (n, 3) which windows are known."""
    return np.concatenate([found.now, found.usual], axis=2), ~np.isnan(found.now[:, :, 0])


def _expected(rows: Floats, mean: Floats, covariance: Floats) -> Floats:
    """Rows (n, 6) with NaN put at its conditional mean given the rest of the row."""
    filled = rows.copy()
    ridge = covariance + np.eye(len(mean)) * 1e-6
    unknown = np.isnan(rows)
    for pattern in np.unique(unknown[unknown.any(axis=1)], axis=0):
        of_it = (unknown == pattern).all(axis=1)
        slopes = np.linalg.solve(ridge[~pattern][:, ~pattern], ridge[~pattern][:, pattern])
        block = filled[of_it]
        # Summed by element, not by BLAS, whose sums depend on how many rows there are.
        off = block[:, ~pattern] - mean[~pattern]
        block[:, pattern] = mean[pattern] + (off[:, :, None] * slopes[None]).sum(axis=1)
        filled[of_it] = block
    return filled


def _scale(covariance: Floats) -> Floats:
    spread = np.sqrt(np.diag(covariance))
    scale: Floats = np.where(spread > 0, spread, 1.0)
    return scale


def _rounded(values: Floats) -> Floats:
    return np.array([rounded(value) for value in values.ravel()]).reshape(values.shape)
