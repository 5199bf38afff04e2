"""Is a client ill and getting worse? One logistic regression over what is known at a look.

It learns from clients whose illnesses are known (labelled homes): 1 from an illness's first sign to
its height, 0 where nothing is the matter. Coefficients are kept at 0 or above: every number of the
evidence says how far something is from this client's usual, and more of that is never reassuring.
That costs nothing that can be measured and spares everybody the fever that lowers a risk because of
what else the training homes had. What is not known adds nothing, and is said.

The limit for alerts and the calibration are found on homes kept apart (models/illness_training.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from core.errors import ModelError
from models.calibration import Sigmoid, rounded
from models.evidence import FEATURES
from models.readings import Flags, Floats
from models.rooms import MEASURES
from models.signs import METRICS

Rows = NDArray[np.floating]
"""(n, FEATURES), of either precision."""
PENALTY = 1e-4
"""Of squared coefficients per standard deviation, beside the mean log loss."""
_LEAST = 0.15
"""Log-odds; what moved a score less is no reason."""
_REASONS = 6


@dataclass(frozen=True)
class Reason:
    """What moved a score, and how much."""

    key: str
    """`above` or `below` (of a metric), `more` or `fewer` (of a measure of the home), `together`,
    `news2`, `silence`."""
    metric: str | None
    measure: str | None
    weight: float
    """What it added to the log-odds."""


@dataclass(frozen=True)
class Scored:
    """Of n subjects."""

    probability: Floats
    """(n,), calibrated; NaN where nothing is known."""
    weight: Floats
    """(n, FEATURES): what each adds to the log-odds before calibration."""

    def reasons(self, row: int) -> list[Reason]:
        """The reasons of one subject, the weightiest first."""
        sums: dict[tuple[str, str | None, str | None], float] = {}
        for place, what in enumerate(_WHAT):
            sums[what] = sums.get(what, 0.0) + float(self.weight[row, place])
        found = [Reason(*what, weight) for what, weight in sums.items() if weight >= _LEAST]
        return sorted(found, key=lambda reason: -reason.weight)[:_REASONS]


@dataclass(frozen=True)
class Deterioration:
    """A trained model; scoring never changes it."""

    coefficients: Floats
    """(FEATURES,), 0 or more, per unit of each."""
    intercept: float
    calibration: Sigmoid

    @classmethod
    def fit(cls, rows: Rows, ill: Flags, weight: Floats) -> Self:
        """Learn from rows of evidence (n, FEATURES), whether the client was ill (n,), and what each
        row counts (n,).

        Raises:
            ModelError: all rows are alike.
        """
        if not ill.any() or ill.all():
            raise ModelError(
                "A model of deterioration cannot be trained here: it needs clients who are ill and "
                "clients who are well."
            )
        x = np.nan_to_num(rows).astype(np.float64)
        share = weight / weight.sum()
        mean = share @ x
        scale = np.sqrt(np.maximum(share @ (x - mean) ** 2, 1e-12))
        scale = np.where(scale > 1e-5, scale, np.inf)
        z = x / scale
        y = ill.astype(np.float64)

        def loss(given: Floats) -> tuple[float, Floats]:
            odds = z @ given[:-1] + given[-1]
            error = share * (expit(odds) - y)
            value = share @ (np.logaddexp(0.0, odds) - y * odds)
            grown = np.append(z.T @ error + 2.0 * PENALTY * given[:-1], error.sum())
            return float(value + PENALTY * given[:-1] @ given[:-1]), grown

        start = np.append(np.zeros(z.shape[1]), -2.0)
        bounds = [(0.0, None)] * z.shape[1] + [(None, None)]
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds,
                         options={"maxiter": 500})  # fmt: skip
        raw = found.x[:-1] / scale
        return cls(
            np.array([rounded(value) for value in raw]), rounded(float(found.x[-1])),
            Sigmoid(1.0, 0.0),
        )  # fmt: skip

    def score(self, rows: Rows) -> Scored:
        """Score rows of evidence (n, FEATURES), each by itself."""
        weight = np.nan_to_num(rows) * self.coefficients
        raw = expit(self.intercept + weight.sum(axis=1))
        known = ~np.isnan(rows).all(axis=1)
        return Scored(np.where(known, self.calibration.score(raw), np.nan), weight)

    def state(self) -> dict[str, Any]:
        """Itself in plain values."""
        return {
            "coefficients": self.coefficients.tolist(),
            "intercept": self.intercept,
            "calibration": self.calibration.state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The reverse of `state`.

        Raises:
            ValueError: these are not its values.
        """
        found = cls(
            np.array(state["coefficients"], dtype=float), float(state["intercept"]),
            Sigmoid.from_state(state["calibration"]),
        )  # fmt: skip
        sound = found.coefficients.shape == (len(FEATURES),) and np.isfinite(found.intercept)
        if not sound or not (np.isfinite(found.coefficients) & (found.coefficients >= 0)).all():
            raise ValueError("coefficients of another number, below 0 or not finite")
        if not found.calibration.slope > 0:
            raise ValueError("a calibration that turns scores round")
        return found


def _what(name: str) -> tuple[str, str | None, str | None]:
    """What a feature is a reason of: key, metric, measure."""
    way = next((way for way in ("above", "below", "more", "fewer") if f"_{way}" in name), name)
    for metric in METRICS:
        if name.startswith(f"{metric}_"):
            return way, metric, None
    for measure in MEASURES:
        if name.startswith(f"{measure}_"):
            return {"above": "more", "below": "fewer"}.get(way, way), None, measure
    return name.removesuffix("_now").removesuffix("_day").removesuffix("_three"), None, None


_WHAT = [_what(name) for name in FEATURES]
