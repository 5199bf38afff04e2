"""The range in which a client's values are expected."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from core.catalogue import catalogue
from core.database import Connection, load_queries
from models.news2 import PARAMETERS, news2
from web.trends.subject import Subject


@cache
def chart_band(metric: str, scale: int = 1) -> tuple[float | None, float | None] | None:
    """The values that score 0 on NEWS2, lowest and highest; None: the chart has no such metric.

    Found by asking the score itself. On scale 2 the band is the prescribed target, that on oxygen.
    """
    if metric not in PARAMETERS or metric in ("oxygen", "consciousness"):
        return None
    entry = catalogue()[metric]
    step = 0.1 if metric == "temperature" else 1.0
    values = np.arange(entry.possible[0], entry.possible[1] + step / 2, step)
    missing = np.full(values.shape, np.nan)
    given = dict.fromkeys(PARAMETERS, missing)
    given[metric] = values
    if scale == 2:
        given["oxygen"] = np.ones(values.shape)
    scored = news2(**given, scale=scale)
    zero = np.flatnonzero(scored.points_high[PARAMETERS.index(metric)] == 0)
    low, high = float(values[zero[0]]), float(values[zero[-1]])
    return (low, high if high < entry.possible[1] else None)


async def bands(connection: Connection, subject: Subject) -> dict[str, dict[str, Any]]:
    """By metric: {"low", "high", "own"}; the client's own limits before the chart's."""
    found: dict[str, dict[str, Any]] = {}
    for name in PARAMETERS:
        band = chart_band(name, subject.spo2_scale)
        if band is not None:
            found[name] = {"low": band[0], "high": band[1], "own": False}
    async for row in load_queries("web").limits(connection, subject=subject.id):
        name = catalogue().by_id[row["metric"]].name
        found[name] = {"low": row["low"], "high": row["high"], "own": True}
    return found
