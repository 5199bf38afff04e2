"""NEWS2 over time, with what was missing.

It is reckoned at each moment at which one of its parameters was measured, from the newest values
that still held (`validity_h` of the catalogue). Ranges beyond a few days are read from the last
value of each hour or day (core.fitting), so a short peak may be left out; alerts do not go by this.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.assess.news import METRICS
from core.catalogue import catalogue
from core.database import Connection, load_queries
from core.fitting import fitting
from models.news2 import PARAMETERS, news2
from web.i18n import Texts
from web.trends.readings import bucket_width, local_midnight
from web.trends.subject import Subject
from web.words import NEWS2

Floats = NDArray[np.float64]
_LONGEST = timedelta(hours=max(catalogue()[name].validity_h or 0 for name in METRICS))


async def score(
    connection: Connection,
    subject: Subject,
    *,
    since: datetime,
    until: datetime,
    points: int,
    text: Texts,
) -> dict[str, Any]:
    """{"time" (Unix s), "low", "high", "parameters": [{"name", "known"}]}, see `scored`."""
    queries, resolution = load_queries("web"), fitting(until - since)
    first = local_midnight(since) if resolution == "daily" else since
    rows = queries.score_values(
        connection,
        subject=subject.id,
        metrics=[catalogue()[name].id for name in METRICS],
        since=first - _LONGEST,
        until=until,
        resolution=resolution,
    )
    columns: dict[str, tuple[Floats, Floats]] = {}
    async for row in rows:
        name = catalogue().by_id[row["metric"]].name
        columns[name] = (np.array(row["time"]), np.array(row["value"]))
    air = bool(await queries.air_by_plan(connection, subject=subject.id))
    found = scored(
        columns,
        since=first.timestamp(),
        width=bucket_width(until - since, points).total_seconds(),
        scale=subject.spo2_scale,
        air_by_plan=air,
    )
    names = [text.gettext(NEWS2[name]) for name in PARAMETERS]
    known = found.pop("known")
    return found | {
        "parameters": [{"name": name, "known": row} for name, row in zip(names, known, strict=True)]
    }


def scored(
    columns: Mapping[str, tuple[Floats, Floats]],
    *,
    since: float,
    width: float,
    scale: int,
    air_by_plan: bool,
) -> dict[str, list[Any]]:
    """The highest score of each bucket, and what of it was known at its end. Pure.

    Args:
        columns: by metric its times (Unix s, ascending) and values; those before `since` count as
            what was known then.
        since: where the first bucket begins, Unix s.
        width: of a bucket, in s; as many buckets are left out as have no measurement.
        scale: of SpO2, 1 or 2.
        air_by_plan: without a value for oxygen, the client breathes air.

    Returns:
        {"time", "low", "high", "known": one row of 0 and 1 for each of PARAMETERS}.
    """
    stamps = np.concatenate([time for time, _ in columns.values()] or [np.empty(0)])
    moments = np.unique(stamps[stamps >= since])
    if not len(moments):
        return {"time": [], "low": [], "high": [], "known": [[] for _ in PARAMETERS]}
    given = dict(zip(PARAMETERS, (_held(columns.get(m), moments, m) for m in METRICS), strict=True))
    if air_by_plan:
        given["oxygen"] = np.nan_to_num(given["oxygen"], nan=0.0, posinf=np.inf, neginf=-np.inf)
    found = news2(**given, scale=scale)
    bins = np.floor((moments - since) / width)
    starts = np.flatnonzero(np.diff(bins, prepend=-1.0))
    ends = np.append(starts[1:], len(moments)) - 1
    return {
        "time": ((moments[starts] + moments[ends]) / 2).tolist(),
        "low": np.maximum.reduceat(found.low, starts).tolist(),
        "high": np.maximum.reduceat(found.high, starts).tolist(),
        "known": (~found.missing[:, ends]).astype(int).tolist(),
    }


def _held(column: tuple[Floats, Floats] | None, moments: Floats, metric: str) -> Floats:
    """The newest value at each moment, as long as it speaks for it; NaN: none."""
    if column is None:
        return np.full(len(moments), np.nan)
    time, value = column
    at = np.searchsorted(time, moments, side="right") - 1
    fresh = (at >= 0) & (moments - time[at] <= 3600.0 * (catalogue()[metric].validity_h or 0))
    return np.where(fresh, value[at], np.nan)
