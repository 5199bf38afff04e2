"""Whether a home was heard: readings a day by device, and its numbered messages that are here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core.clock import LOCAL
from core.database import Connection, load_queries
from web.i18n import Texts
from web.sentences import named
from web.trends.readings import local_midnight
from web.trends.subject import Subject
from web.words import DEVICES, PLACES

_MOMENT = timedelta(microseconds=1)


async def heard(
    connection: Connection,
    subjects: list[int],
    *,
    since: datetime,
    until: datetime,
    text: Texts,
) -> dict[str, Any]:
    """{"first": a date, "days", "devices": [{"name", "counts"}]}, a count for each day of the
    county; 0: not heard, null: it was not there."""
    first, last = (at.astimezone(LOCAL).date() for at in (since, until - _MOMENT))
    days = (last - first).days + 1
    rows = load_queries("web").heard_by_day(
        connection, subjects=subjects, since=local_midnight(since), until=until, first=first
    )
    devices: dict[int, dict[str, Any]] = {}
    async for row in rows:
        name = named(text, DEVICES, row["kind"])
        if row["place"]:
            name = f"{name}, {named(text, PLACES, row['place'])}"
        one = devices.setdefault(row["id"], {"name": name, "counts": [None] * days})
        counts = dict(zip(row["at"] or (), row["counts"] or (), strict=True))
        for at in range(max(0, row["begins"]), min(days - 1, row["ends"]) + 1):
            one["counts"][at] = counts.get(at, 0)
    return {"first": first, "days": days, "devices": list(devices.values())}


async def arrived(
    connection: Connection, subject: Subject, *, since: datetime, until: datetime
) -> dict[str, list[Any]]:
    """{"day", "percent"} of the gateway's numbered messages; none of one that does not number."""
    first, last = (at.astimezone(LOCAL).date() for at in (since, until - _MOMENT))
    rows = load_queries("web").arrivals(connection, subject=subject.id, first=first, last=last)
    found: dict[str, list[Any]] = {"day": [], "percent": []}
    async for row in rows:
        found["day"].append(row["day"])
        found["percent"].append(round(row["percent"], 1))
    return found
