"""Homes of which nothing is heard, and outages.

GET  /desk/homes               by area on a map and as a list, live; `?wall`: for across a room
GET  /api/desk/homes           its figures
GET  /api/desk/homes/stream    the same as server-sent events: a `snapshot` whenever they change
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from web.api import events_of, tagged
from web.desk.home_board import HomeBoard, home_board, read_homes
from web.desk.now import only_desk
from web.openapi.operation import Operation, described
from web.pages import page
from web.parts import caller, database, parts, texts_of


async def show(request: web.Request) -> web.Response:
    """GET /desk/homes: everything on it comes over the stream."""
    only_desk(request)
    return page(request, "desk/homes.html", wall="wall" in request.query)


@described(Operation("Homes that are heard, silent or out, by area", HomeBoard, tagged=True))
async def figures(request: web.Request) -> web.Response:
    """GET /api/desk/homes"""
    only_desk(request)
    now = parts(request).clock.now()
    async with database(request) as connection:
        found = await read_homes(connection, now)
    said = home_board(found, texts_of(request), now)
    return tagged(request, msgspec.structs.asdict(said), but="time")


@described(Operation("The same as it changes, as server-sent events", media="text/event-stream"))
async def stream(request: web.Request) -> web.StreamResponse:
    """GET /api/desk/homes/stream"""
    only_desk(request)
    return await events_of(request, lambda hub: hub.open_desk(caller(request), "homes"))


ROUTES = [
    web.get("/desk/homes", show),
    web.get("/api/desk/homes", figures),
    web.get("/api/desk/homes/stream", stream),
]
