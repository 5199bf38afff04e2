"""Who is on duty: now, in the coming fortnight, and when nobody is.

GET  /desk/rota               by team, live; `?wall`: to be read from across a room
GET  /desk/rota/part          what of that page changes, for a page that is open
GET  /api/desk/rota           who is on duty now, and the gaps
GET  /api/desk/rota/stream    the same as server-sent events: a `snapshot` whenever it changes

Changes are in web.desk.rota_forms.
"""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from core.database import load_queries
from web.api import events_of, tagged
from web.desk.duty_board import DutyBoard, duty_board, read_duty
from web.desk.now import only_desk
from web.openapi.operation import Operation, described
from web.pages import page
from web.parts import caller, database, parts, texts_of

_HISTORY = 50


async def show(request: web.Request) -> web.Response:
    """GET /desk/rota"""
    only_desk(request)
    return page(request, "desk/rota.html", wall="wall" in request.query, **await _shown(request))


async def part(request: web.Request) -> web.Response:
    """GET /desk/rota/part"""
    only_desk(request)
    return page(request, "desk/rota_part.html", here="/desk/rota", **await _shown(request))


async def _shown(request: web.Request) -> dict[str, Any]:
    now = parts(request).clock.now()
    async with database(request) as connection:
        found = await read_duty(connection, now)
        rows = load_queries("web").rota_changes_made(connection, count=_HISTORY)
        changes = [dict(row) async for row in rows]
    return {
        "board": duty_board(found, texts_of(request), now),
        "duties": found.duties,
        "changes": changes,
        "now": now,
    }


@described(Operation("Who is on duty now, and when nobody is within a fortnight", DutyBoard,
                     tagged=True))  # fmt: skip
async def duty(request: web.Request) -> web.Response:
    """GET /api/desk/rota"""
    only_desk(request)
    now = parts(request).clock.now()
    async with database(request) as connection:
        found = await read_duty(connection, now)
    said = duty_board(found, texts_of(request), now)
    return tagged(request, msgspec.structs.asdict(said), but="time")


@described(Operation("The same as it changes, as server-sent events", media="text/event-stream"))
async def stream(request: web.Request) -> web.StreamResponse:
    """GET /api/desk/rota/stream"""
    only_desk(request)
    return await events_of(request, lambda hub: hub.open_desk(caller(request), "rota"))


ROUTES = [
    web.get("/desk/rota", show),
    web.get("/desk/rota/part", part),
    web.get("/api/desk/rota", duty),
    web.get("/api/desk/rota/stream", stream),
]
