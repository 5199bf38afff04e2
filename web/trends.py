"""Readings for charts: columns, thinned out in the database without losing a peak."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from core.catalogue import catalogue
from core.clock import LOCAL
from core.database import Connection, load_queries
from core.errors import NotFoundError
from models.news2 import PARAMETERS, news2
from web.i18n import Texts
from web.sentences import named
from web.values import metric_name
from web.words import PLACES, UNITS

LONGEST = timedelta(days=400)
POINTS = 300
"""Points a chart gets where the page does not say; about one for each pixel of a phone."""
MOST_POINTS = 2000
AMBIENT = ("motion", "door", "bed")
_BINS = (
    (timedelta(days=2), timedelta(minutes=15)),
    (timedelta(days=10), timedelta(hours=1)),
    (timedelta(days=62), timedelta(hours=6)),
)


@dataclass(frozen=True)
class Subject:
    """Whose trends these are, as far as the caller may see them."""

    id: int
    pseudonym: str
    kind: str
    name: str
    born: Any
    municipality: str | None
    spo2_scale: int
    limits_of_care: str


async def find_subject(connection: Connection, pseudonym: str) -> Subject:
    """A subject by pseudonym, of those that the caller may see.

    Raises:
        NotFoundError: there is none, or it is none of the caller's.
    """
    row = await load_queries("web").subject_of(connection, pseudonym=pseudonym)
    if row is None:
        raise NotFoundError("no such subject, or not visible")
    return Subject(
        id=row["id"],
        pseudonym=row["pseudonym"],
        kind=row["kind"],
        name=f"{row['given_name'] or ''} {row['family_name'] or ''}".strip(),
        born=row["born"],
        municipality=row["municipality"],
        spo2_scale=row["spo2_scale"] or 1,
        limits_of_care=row["limits_of_care"] or "",
    )


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


def bucket_width(length: timedelta, points: int) -> timedelta:
    """How wide a bucket must be for at most `points` of them; a whole number of seconds."""
    return timedelta(seconds=max(1, math.ceil(length.total_seconds() / points)))


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
    """By metric the columns time (Unix s), low, high, mean, count, beyond (the meter's range)."""
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
    rows = load_queries("web").readings(
        connection,
        subject=subject.id,
        metrics=list(ids),
        since=since,
        until=until,
        bucket=bucket_width(until - since, points),
    )
    async for row in rows:
        columns = dict(row)
        found[ids[columns.pop("metric")]].update(columns)
    return found


async def activity(
    connection: Connection, subject: Subject, *, since: datetime, until: datetime, text: Texts
) -> dict[str, Any]:
    """Movement by place and time: {"start", "bin_s", "bins", "places": [{"name", "counts"}]}.

    Bins begin at county midnight, so that a night of every home is in the same columns.
    """
    width = next((bin_ for length, bin_ in _BINS if until - since <= length), timedelta(days=1))
    local = since.astimezone(LOCAL)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    start = (start + ((local - start) // width) * width).astimezone(UTC)
    bins = math.ceil((until - start) / width)
    places: dict[str, list[int]] = {}
    rows = load_queries("web").activity(
        connection,
        subject=subject.id,
        since=start,
        until=until,
        bin=width,
        metrics=[catalogue()[name].id for name in AMBIENT],
    )
    async for row in rows:
        counts = places.setdefault(named(text, PLACES, row["place"]), [0] * bins)
        counts[(row["bin"] - start) // width] += row["count"]
    return {
        "start": start,
        "bin_s": int(width.total_seconds()),
        "bins": bins,
        "places": [{"name": name, "counts": counts} for name, counts in sorted(places.items())],
    }


async def metrics_of(
    connection: Connection, subject: Subject, *, since: datetime, until: datetime
) -> list[str]:
    """Which vital signs, body measures and entered values there are in a time."""
    rows = load_queries("web").metrics_of(connection, subject=subject.id, since=since, until=until)
    return [row["name"] async for row in rows]
