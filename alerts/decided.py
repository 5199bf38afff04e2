"""Routing as the desk set it last, whole: one document of which each part reads its own.

    {"service", "severity", "working_hours", "neighbours", "travel"}    as in routing.toml
    {"channels": {severity: {"kinds", "at_once", "quiet"}}}             as in channels.toml

Where the desk never set any, what ships is in force; so it is where a document cannot be used.
"""

from __future__ import annotations

from core.database import Connection, load_queries

_queries = load_queries("alerts")


async def read_routing(connection: Connection) -> tuple[int, str]:
    """Its number and text; 0 and '': the desk never set any."""
    row = await _queries.routing_in_force(connection)
    return (0, "") if row is None else (row["number"], row["routing"])
