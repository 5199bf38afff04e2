"""The desk as it is now.

GET  /desk               all areas on one page, live; `?wall`: to be read from across a room
GET  /api/desk           its figures
GET  /api/desk/stream    the same as server-sent events: a `snapshot` whenever they change
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from core.errors import NotFoundError
from web.api import events_of, tagged
from web.desk.board import Board, board, read
from web.openapi.operation import Operation, described
from web.pages import page
from web.parts import caller, database, parts, texts_of
from web.words import SEVERITIES


def only_desk(request: web.Request) -> None:
    """Raises:
    NotFoundError: the caller is not of the desk; said as of what does not exist.
    """
    if caller(request).role != "coordinator":
        raise NotFoundError("for coordinators")


async def show(request: web.Request) -> web.Response:
    """GET /desk: everything on it comes over the stream."""
    only_desk(request)
    return page(request, "desk/now.html", wall="wall" in request.query, severities=SEVERITIES)


@described(
    Operation("The county now: open, waiting and overdue alerts by area", Board, tagged=True)
)
async def figures(request: web.Request) -> web.Response:
    """GET /api/desk"""
    only_desk(request)
    now = parts(request).clock.now()
    async with database(request) as connection:
        found = await read(connection, now)
    said = board(found, texts_of(request), now)
    return tagged(request, msgspec.structs.asdict(said), but="time")


@described(Operation("The same as it changes, as server-sent events", media="text/event-stream"))
async def stream(request: web.Request) -> web.StreamResponse:
    """GET /api/desk/stream"""
    only_desk(request)
    return await events_of(request, lambda hub: hub.open_desk(caller(request), "now"))


ROUTES = [
    web.get("/desk", show),
    web.get("/api/desk", figures),
    web.get("/api/desk/stream", stream),
]
