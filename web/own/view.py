"""A client's own page: asking for a call, what is measured, who looked at it, when and why.

GET /own    `?before=2026-03-01` shows earlier looks
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from aiohttp import web

from core.clock import LOCAL
from core.database import load_queries
from web.i18n import Texts
from web.own.cases import part_values
from web.own.session import own_database
from web.own.wording import LOOKS, PURPOSES
from web.parts import parts
from web.sentences import named
from web.values import value_text
from web.words import DEVICES, METRICS, PLACES, RECORDS

LOOKS_SHOWN = 200
"""Rows of looks on one page; older ones are on the next."""


@dataclass(frozen=True)
class Measured:
    """One device, what it measures, and when it was last heard."""

    name: str
    place: str
    heard_at: datetime
    values: tuple[tuple[str, str, datetime], ...]
    """(what, value or empty, when)."""


async def show(request: web.Request) -> web.Response:
    """GET /own"""
    shared, queries = parts(request), load_queries("web")
    now = shared.clock.now()
    # Looks are on record in wall time.
    before = _before(request) or shared.wall().astimezone(LOCAL).date() + timedelta(days=1)
    async with own_database(request) as own:
        client = await queries.own_client(own.connection)
        await queries.look_at_own(own.connection, what="own_view")
        measured = [dict(row) async for row in queries.own_measured(own.connection)]
        looks = [
            dict(row)
            async for row in queries.own_looks(
                own.connection, before=before, zone=LOCAL.key, count=LOOKS_SHOWN + 1
            )
        ]
        values = await part_values(request, own)
    text, (shown, further) = own.text, fitting(looks)
    html = shared.pages.render(
        "own/view.html",
        own.language,
        caller=None,
        here="/own",
        client=client,
        now=now,
        devices=[devices(measured, text, of_home=at_home) for at_home in (False, True)],
        days=days(shown, text),
        earlier=further,
        **values,
    )
    return web.Response(text=html, content_type="text/html")


def _before(request: web.Request) -> date | None:
    try:
        return date.fromisoformat(request.query.get("before", ""))
    except ValueError:
        return None


def devices(rows: Sequence[dict[str, Any]], text: Texts, *, of_home: bool) -> list[Measured]:
    """What is measured on the client, or by their home's sensors; last heard first. Pure."""
    found = []
    mine = [row for row in rows if row["of_home"] == of_home]
    for _, group in groupby(mine, key=lambda row: row["device"]):
        metrics = list(group)
        found.append(
            Measured(
                name=named(text, DEVICES, metrics[0]["kind"]),
                place=named(text, PLACES, metrics[0]["location"]) if metrics[0]["location"] else "",
                heard_at=max(row["time"] for row in metrics),
                values=tuple(
                    (
                        named(text, METRICS, row["metric"]),
                        ""
                        if row["value"] is None
                        else value_text(text, row["metric"], row["value"], row["qualifier"]),
                        row["time"],
                    )
                    for row in metrics
                ),
            )
        )
    return sorted(found, key=lambda one: one.heard_at, reverse=True)


def days(rows: Sequence[dict[str, Any]], text: Texts) -> list[tuple[date, list[dict[str, Any]]]]:
    """Who looked, by day, in words. Pure."""
    return [
        (
            day,
            [
                {
                    "name": row["name"] or text.gettext("You yourself, with your own login"),
                    "unit": row["unit"],
                    "what": named(text, LOOKS, row["what"]),
                    "why": named(text, PURPOSES, row["purpose"]),
                    "reason": row["reason"],
                    "record": named(text, RECORDS, row["record"] or ""),
                    "times": row["times"],
                    "last": row["last"],
                }
                for row in group
            ],
        )
        for day, group in groupby(rows, key=lambda row: row["day"])
    ]


def fitting(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], date | None]:
    """Whole days that fit on a page, and before which day to go on; None: that is all. Pure."""
    if len(rows) <= LOOKS_SHOWN:
        return list(rows), None
    cut: date = rows[LOOKS_SHOWN]["day"]
    whole = [row for row in rows if row["day"] > cut]
    return (whole, cut + timedelta(days=1)) if whole else (list(rows[:LOOKS_SHOWN]), cut)


ROUTES = [web.get("/own", show)]
