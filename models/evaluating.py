"""Evaluation: a trained model on home-days that it may never have seen."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from models.agitation import Scored
from models.home_days import Flags, Floats, HomeDays
from models.judging import judge
from models.training import Band, Interval, Trained, at_limit, bands


class Report(msgspec.Struct, frozen=True):
    """How the model did; figures are null where all home-days are of one class."""

    homes: int
    home_days: int
    positive: int
    auroc: float | None
    average_precision: float | None
    sensitivity_at_specificity_0_80: float | None
    sensitivity_at_specificity_0_90: float | None
    alerts_per_home_week: float
    limit: float
    """Fixed in training."""
    sensitivity_at_limit: float | None
    specificity_at_limit: float | None
    precision_at_limit: float | None
    intervals: dict[str, Interval]
    """95 %, by resampling homes."""
    calibration: list[Band]
    note: str | None
    """Why something is null."""


@dataclass(frozen=True)
class Evaluated:
    """The report, and what it is about."""

    report: Report
    rows: Flags
    """(n,) the home-days that count."""
    probability: Floats
    """(n,)."""
    scored: Scored


def evaluate(
    trained: Trained, days: HomeDays, positive: Flags, since: int | None = None
) -> Evaluated:
    """Judge a model by home-days (n,); days before `since` (`date.toordinal`) are history only."""
    probability, scored = trained.score(days)
    rows = np.ones(len(days), dtype=bool) if since is None else days.day >= since
    home, label, counted = days.home[rows], positive[rows], probability[rows]
    judged = judge(home, label, counted[None])
    limits = at_limit(label, counted, trained.limit)
    homes = len(np.unique(home))
    report = Report(
        homes=homes,
        home_days=len(label),
        positive=int(label.sum()),
        alerts_per_home_week=limits.alerts_per_home_week,
        limit=trained.limit,
        sensitivity_at_limit=limits.sensitivity,
        specificity_at_limit=limits.specificity,
        precision_at_limit=limits.precision,
        intervals=dict(judged.intervals),
        calibration=bands(label, counted[None]),
        note=_note(label, homes),
        **judged.figures,
    )
    return Evaluated(report, rows, probability, scored)


def _note(positive: Flags, homes: int) -> str | None:
    if not positive.any() or positive.all():
        which = "Every" if positive.any() else "No"
        return (
            f"{which} home-day has an agitation label, so that AUROC, average precision and "
            "sensitivity at a specificity do not exist."
        )
    if homes < 2:
        return "There is one home only, so that homes cannot be drawn again for intervals."
    return None
