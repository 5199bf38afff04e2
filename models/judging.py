"""How good scores are: AUROC, average precision, sensitivity; intervals by resampling homes.

Definitions as in scikit-learn's `roc_auc_score` and `average_precision_score`. The days of one home
resemble one another, so what is drawn again for an interval is homes, never days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.home_days import Flags, Floats, Indexes

FIGURES = (
    "auroc",
    "average_precision",
    "sensitivity_at_specificity_0_80",
    "sensitivity_at_specificity_0_90",
)
_SPECIFICITIES = (0.80, 0.90)
RESAMPLES = 1000


@dataclass(frozen=True)
class Judged:
    """Figures of one or several scorings of the same days (then their mean)."""

    figures: Mapping[str, float | None]
    """By FIGURES; None if all days are of one class."""
    intervals: Mapping[str, tuple[float, float] | None]
    """95 %, from 1,000 draws of homes with replacement; None with fewer than two homes, or where
    most draws are of one class."""
    spread: Mapping[str, tuple[float, float] | None]
    """Lowest and highest of the scorings."""


def figures(positive: Flags, score: Floats, weights: Floats) -> Floats:
    """(draws, 4): FIGURES of scores (n,) with weights (draws, n); NaN where one class has none."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    weight = weights[:, order]
    hits = np.cumsum(weight * positive[order], axis=1)[:, ends]
    misses = np.cumsum(weight * ~positive[order], axis=1)[:, ends]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / hits[:, -1:]
        wrong = misses / misses[:, -1:]
        precision = np.where(hits + misses > 0, hits / (hits + misses), 0.0)
        steps = np.diff(share, axis=1, prepend=0.0)
        area = (np.diff(wrong, axis=1, prepend=0.0) * (share - steps / 2.0)).sum(axis=1)
        found = [area, (steps * precision).sum(axis=1)]
        for specificity in _SPECIFICITIES:
            allowed = wrong <= 1.0 - specificity + 1e-12
            found.append(np.where(allowed, share, 0.0).max(axis=1))
    result: Floats = np.stack(found, axis=1)
    result[(hits[:, -1] == 0) | (misses[:, -1] == 0)] = np.nan
    return result


def auroc(positive: Flags, score: Floats) -> float:
    """Chance that a positive day has the higher score; NaN if one class has none."""
    return float(figures(positive, score, np.ones((1, len(score))))[0, 0])


def judge(home: Indexes, positive: Flags, scores: Floats) -> Judged:
    """Judge scorings (k, n) of n home-days of these homes (n,)."""
    one = np.ones((1, len(positive)))
    each = np.concatenate([figures(positive, score, one) for score in scores])
    names, place = np.unique(home, return_inverse=True)
    draws = np.zeros((0, len(FIGURES)))
    if len(names) > 1:
        rng = np.random.default_rng(0)
        drawn = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), RESAMPLES)
        weights = drawn[:, place].astype(float)
        draws = np.mean([figures(positive, score, weights) for score in scores], axis=0)
        draws = draws[~np.isnan(draws[:, 0])]
    sure = len(draws) > RESAMPLES / 2
    ends = np.quantile(draws, (0.025, 0.975), axis=0) if sure else np.full((2, 4), np.nan)
    return Judged(
        {name: _known(each[:, n].mean()) for n, name in enumerate(FIGURES)},
        {name: _pair(ends[:, n]) for n, name in enumerate(FIGURES)},
        {name: _pair((each[:, n].min(), each[:, n].max())) for n, name in enumerate(FIGURES)},
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _pair(values: Floats | tuple[float, float]) -> tuple[float, float] | None:
    low, high = round(float(values[0]), 6), round(float(values[1]), 6)
    return None if np.isnan(low) else (low, high)
