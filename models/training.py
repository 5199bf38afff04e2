"""Training: judged by homes kept apart, calibrated on them, the alert limit fixed there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from models.agitation import RUNS, Agitation, Scored, by_day
from models.calibration import Sigmoid, rounded
from models.crossing import FOLDS, REPEATS, out_of_fold
from models.home_days import Flags, Floats, HomeDays
from models.judging import judge
from models.windows import Memory

BANDS = (0.02, 0.05, 0.10, 0.20, 0.40)
"""Where the table of calibration is cut."""
Interval = tuple[float, float] | None


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Home-days whose probability lies in a band."""

    below: float
    home_days: float
    """Mean of the repeats."""
    expected: float | None
    """Mean probability."""
    observed: float | None
    """Share with the label."""


class AtLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the alert limit does."""

    alerts_per_home_week: float
    """Home-days at or above it, by seven home-days."""
    sensitivity: float | None
    specificity: float | None
    precision: float | None


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model was trained on, and how it did on homes kept apart."""

    homes: int
    homes_with_labels: int
    home_days: int
    positive: int
    by_run: dict[str, int]
    """Home-days by the hour (UTC) of their label."""
    digest: str
    """SHA-256 of the home-days and labels."""
    folds: int
    repeats: int
    figures: dict[str, float | None]
    intervals: dict[str, Interval]
    spread: dict[str, Interval]
    calibration: list[Band]
    wanted_alerts_per_home_week: float
    at_limit: AtLimit


@dataclass(frozen=True)
class Trained:
    """A model with its calibration and its alert limit; scoring never changes it."""

    model: Agitation
    calibration: Sigmoid
    limit: float
    """Probability from which a home-day is an alert."""
    record: Record

    def score(self, days: HomeDays, memory: Memory | None = None) -> tuple[Floats, Scored]:
        """Probability of each home-day (n,), and what it comes from."""
        scored = self.model.score(days, memory)
        return self.calibration.score(scored.score), scored


def train(
    days: HomeDays,
    labels: Flags,
    alerts_per_home_week: float,
    reached: Callable[[int, int], None] = lambda done, of: None,
) -> Trained:
    """Train on home-days with labels by run (n, 3); `reached` hears how many fits are done.

    Raises:
        ModelError: the labels are too few or all alike.
    """
    positive = by_day(labels)
    apart = np.zeros((REPEATS, len(days)))
    total = REPEATS * FOLDS + 1
    for done, (repeat, rows, score) in enumerate(out_of_fold(days, labels), 1):
        apart[repeat, rows] = score
        reached(done, total)
    model = Agitation.fit(days, labels)
    reached(total, total)
    calibration = Sigmoid.fit(apart.ravel(), np.tile(positive, REPEATS))
    probability = calibration.score(apart)
    limit = alert_limit(probability.ravel(), alerts_per_home_week)
    judged = judge(days.home, positive, apart)
    record = Record(
        homes=len(np.unique(days.home)),
        homes_with_labels=len(np.unique(days.home[positive])),
        home_days=len(days),
        positive=int(positive.sum()),
        by_run={f"{hour:02d}:00": int(labels[:, run].sum()) for run, hour in enumerate(RUNS)},
        digest=days.digest(labels),
        folds=FOLDS,
        repeats=REPEATS,
        figures=dict(judged.figures),
        intervals=dict(judged.intervals),
        spread=dict(judged.spread),
        calibration=bands(positive, probability),
        wanted_alerts_per_home_week=alerts_per_home_week,
        at_limit=at_limit(np.tile(positive, REPEATS), probability.ravel(), limit),
    )
    return Trained(model, calibration, limit, record)


def alert_limit(probability: Floats, alerts_per_home_week: float) -> float:
    """The lowest limit that makes no more alerts a week than that on these home-days (n,)."""
    ranked = np.sort(probability)[::-1]
    allowed = min(int(alerts_per_home_week / 7.0 * len(ranked)), len(ranked) - 1)
    while allowed > 0 and ranked[allowed - 1] == ranked[allowed]:
        allowed -= 1
    above = 1.0 if allowed == 0 else float(ranked[allowed - 1])
    return rounded((above + float(ranked[allowed])) / 2.0)


def at_limit(positive: Flags, probability: Floats, limit: float) -> AtLimit:
    """What a limit does on these home-days (n,)."""
    alert = probability >= limit
    return AtLimit(
        round(7.0 * float(alert.mean()), 6),
        _share(alert[positive]),
        _share(~alert[~positive]),
        _share(positive[alert]),
    )


def bands(positive: Flags, probability: Floats) -> list[Band]:
    """Calibration by bands, of scorings (k, n) of the same home-days (n,)."""
    flat, label = probability.ravel(), np.tile(positive, len(probability))
    band = np.searchsorted(BANDS, flat, side="right")
    found = []
    for number, below in enumerate((*BANDS, 1.0)):
        rows = band == number
        expected = round(float(flat[rows].mean()), 6) if rows.any() else None
        home_days = float(rows.sum()) / len(probability)
        found.append(Band(below, home_days, expected, _share(label[rows])))
    return found


def _share(flags: Flags) -> float | None:
    return round(float(flags.mean()), 6) if len(flags) else None
