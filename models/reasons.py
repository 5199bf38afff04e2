"""Why a home-day has its score: which counts moved it, in which hours, beside what is usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.agitation import Scored
from models.home_days import MEASURES
from models.windows import Window

_LEAST = 0.1
"""Log-odds; what moved a score less is no reason."""


@dataclass(frozen=True)
class Reason:
    """One count, in the hours of the run that the day's score comes from most."""

    key: str
    """`<measure>_raises` or `<measure>_lowers` the score, against the average of the homes that the
    model learned from; or `<measure>_unknown`."""
    first: int
    """Local hour; below 0 on the evening before."""
    end: int
    value: float | None
    """The count in these hours."""
    usual: float | None
    """What is usual here; None if nothing is known of it."""
    weight: float
    """What it added to the log-odds."""


def reasons(scored: Scored, windows: tuple[Window, ...], row: int) -> list[Reason]:
    """The reasons of one home-day, the weightiest first."""
    run = int(np.argmax(scored.by_run[row]))
    first, end = windows[run]
    found = []
    for place, measure in enumerate(MEASURES):
        weight = float(scored.weight[row, run, place])
        value = _known(scored.now[row, run, place])
        if abs(weight) < _LEAST and value is not None:
            continue
        way = "unknown" if value is None else "raises" if weight > 0 else "lowers"
        usual = _known(scored.usual[row, run, place])
        found.append(Reason(f"{measure}_{way}", first, end, value, usual, round(weight, 3)))
    return sorted(found, key=lambda reason: -abs(reason.weight))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 1)
