"""Scores made probabilities by a sigmoid (Platt 1999), learned on scores of homes kept apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from models.home_days import Flags, Floats

_LEAST = 1e-9


@dataclass(frozen=True)
class Sigmoid:
    """logit(probability) = slope · logit(score) + offset; the slope is above 0, so order stays."""

    slope: float
    offset: float

    @classmethod
    def fit(cls, score: Floats, positive: Flags, weight: Floats | None = None) -> Sigmoid:
        """Learn from scores 0 … 1 (n,) of days that their model had not seen, and what each counts.

        Scores that say nothing, or the opposite, are left as they are: turned round they would
        look like knowledge. scikit-learn's own penalty keeps perfect scores from becoming
        certainty.
        """
        from sklearn.linear_model import LogisticRegression

        if positive.all() or not positive.any():
            return cls(1.0, 0.0)
        fitted = LogisticRegression(tol=1e-10, max_iter=10_000)
        fitted.fit(_logit(score)[:, None], positive, sample_weight=weight)
        slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
        return cls(rounded(slope), rounded(offset)) if slope > 0 else cls(1.0, 0.0)

    def score(self, score: Floats) -> Floats:
        """Probabilities (n,)."""
        probability: Floats = expit(self.slope * _logit(score) + self.offset)
        return probability

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {"slope": self.slope, "offset": self.offset}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Sigmoid:
        """The reverse of `state`."""
        return cls(float(state["slope"]), float(state["offset"]))


def rounded(value: float) -> float:
    """To nine digits: the solver's last digits depend on the machine, a saved model must not."""
    return float(f"{value:.9g}")


def _logit(score: Floats) -> Floats:
    clipped: Floats = logit(np.clip(score, _LEAST, 1.0 - _LEAST))
    return clipped
