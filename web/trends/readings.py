"""Readings for charts: columns, thinned out in the database without losing a peak.

Short ranges are read from single readings, long ones from hours or days (core.fitting). Aggregates
count doubtful readings in, single readings leave them out; struck-out ones are in neither.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from core.catalogue import catalogue
from core.clock import LOCAL
from core.database import Connection, load_queries
from core.fitting import fitting
from web.i18n import Texts
from web.trends.subject import Subject
from web.values import metric_name
from web.words import UNITS

LONGEST = timedelta(days=400)
POINTS = 300
"""Points a chart gets where the page does not say; about one for each pixel of a phone."""
MOST_POINTS = 2000
SLOW = ("weight", "glucose")
"""Drawn with the mean of seven days, as in the dashboards."""
_UNIT = {"raw": timedelta(seconds=1), "hourly": timedelta(hours=1), "daily": timedelta(days=1)}


def bucket_width(length: timedelta, points: int) -> timedelta:
    """How wide a bucket must be for at most `points` of them: whole seconds, or where the range is
    read from an aggregate whole hours or days of it."""
    unit = _UNIT[fitting(length)]
    return unit * max(1, math.ceil(length / points / unit))


def local_midnight(at: datetime) -> datetime:
    """The midnight of the county at or before a moment, in UTC."""
    day = at.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return day.astimezone(UTC)


async def readings(
    connection: Connection,
    subject: Subject,
    metrics: list[str],
    *,
    since: datetime,
    until: datetime,
    points: int,
    text: Texts,
) -> dict[str, dict[str, Any]]:
    """By metric the columns time (Unix s), low, high, mean, count, beyond (the meter's range; null
    where an aggregate cannot tell)."""
    ids = {catalogue()[name].id: name for name in metrics}
    found: dict[str, dict[str, Any]] = {}
    for name in metrics:
        entry = catalogue()[name]
        found[name] = {
            "label": metric_name(text, name),
            "unit": UNITS.get(entry.unit, entry.unit),
            "decimals": entry.decimals,
            **{column: [] for column in ("time", "low", "high", "mean", "count", "beyond")},
        }
    queries, resolution = load_queries("web"), fitting(until - since)
    asked: dict[str, Any] = {
        "subject": subject.id,
        "metrics": list(ids),
        "until": until,
        "bucket": bucket_width(until - since, points),
    }
    if resolution == "raw":
        rows = queries.readings(connection, since=since, **asked)
    else:
        # The hour or day in which the range begins is drawn whole.
        first = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        first = first if resolution == "hourly" else local_midnight(since)
        rows = queries.summed_readings(
            connection,
            since=first,
            # Days of 23 and 25 hours shift midnights; counted from a noon they stay apart.
            origin=first - _UNIT[resolution] / 2,
            unit=_UNIT[resolution],
            daily=resolution == "daily",
            **asked,
        )
    async for row in rows:
        columns = dict(row)
        found[ids[columns.pop("metric")]].update(columns)
    return found


async def week_means(
    connection: Connection, subject: Subject, *, since: datetime, until: datetime
) -> dict[str, dict[str, list[float]]]:
    """By metric of SLOW the columns time (Unix s, noon) and mean, of the seven days that end there;
    {} where the range is one of single readings."""
    if fitting(until - since) == "raw":
        return {}
    rows = load_queries("web").week_means(
        connection,
        subject=subject.id,
        metrics=[catalogue()[name].id for name in SLOW],
        since=since,
        until=until,
    )
    names = catalogue().by_id
    return {
        names[row["metric"]].name: {"time": row["time"], "mean": row["mean"]} async for row in rows
    }


async def metrics_of(
    connection: Connection, subject: Subject, *, since: datetime, until: datetime
) -> list[str]:
    """Which vital signs, body measures and entered values there are in a time."""
    rows = load_queries("web").metrics_of(connection, subject=subject.id, since=since, until=until)
    return [row["name"] async for row in rows]
