"""Nights by the bed sensor: hours in bed and risings, by the day on which the night ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.catalogue import catalogue
from core.database import Connection, load_queries


async def nights(
    connection: Connection, subjects: list[int], *, since: datetime, until: datetime
) -> dict[str, list[Any]]:
    """{"day", "in_bed_h", "risings"}; a day is the county's. Older than single readings are kept
    there are no nights."""
    rows = load_queries("web").nights(
        connection, subjects=subjects, since=since, until=until, metric=catalogue()["bed"].id
    )
    found: dict[str, list[Any]] = {"day": [], "in_bed_h": [], "risings": []}
    async for row in rows:
        found["day"].append(row["day"])
        found["in_bed_h"].append(round(row["in_bed_h"], 2))
        found["risings"].append(row["risings"])
    return found
