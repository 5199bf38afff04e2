"""Movement at home by place: a strip of quarters of an hour over days, beyond them a raster.

A raster has a column for each day and a row for each hour of the county, so that nights of all
places stand beside one another, and a night that is not like the others is seen at once.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from core.catalogue import catalogue
from core.clock import LOCAL
from core.database import Connection, load_queries
from core.fitting import fitting
from web.i18n import Texts
from web.sentences import named
from web.trends.readings import local_midnight
from web.trends.subject import Subject
from web.words import PLACES

AMBIENT = ("motion", "door", "bed")
BIN = timedelta(minutes=15)
_A_DAY = 24
_MOMENT = timedelta(microseconds=1)


async def activity(
    connection: Connection, subject: Subject, *, since: datetime, until: datetime, text: Texts
) -> dict[str, Any]:
    """{"layout": "strip", "start", "bin_s", "bins", "places": [{"name", "counts"}]}, or for long
    ranges {"layout": "raster", "first": a date, "days", "places"}, whose counts are 24 a day, by
    the hour in the county; the hour that comes twice in October holds both."""
    metrics = [catalogue()[name].id for name in AMBIENT]
    queries = load_queries("web")
    subjects = (await queries.with_home(connection, subject=subject.id))["subjects"]
    if fitting(until - since) == "raw":
        start = local_midnight(since)
        start += ((since - start) // BIN) * BIN
        size = math.ceil((until - start) / BIN)
        rows = queries.activity(
            connection, subjects=subjects, since=start, until=until, bin=BIN, metrics=metrics
        )
        shape: dict[str, Any] = {
            "layout": "strip",
            "start": start,
            "bin_s": int(BIN.total_seconds()),
            "bins": size,
        }
    else:
        first, last = (at.astimezone(LOCAL).date() for at in (since, until - _MOMENT))
        days = (last - first).days + 1
        size = days * _A_DAY
        rows = queries.activity_by_hour(
            connection,
            subjects=subjects,
            since=local_midnight(since),
            until=until,
            first=first,
            metrics=metrics,
        )
        shape = {"layout": "raster", "first": first.isoformat(), "days": days}
    places: dict[str, list[int]] = {}
    async for row in rows:
        counts = places.setdefault(named(text, PLACES, row["place"]), [0] * size)
        for at, count in zip(row["at"], row["counts"], strict=True):
            counts[at] += count
    return {
        **shape,
        "places": [{"name": name, "counts": counts} for name, counts in sorted(places.items())],
    }
