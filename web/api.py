"""The JSON API behind the pages; below /api, for whoever is logged in.

    GET  /api/session                        who is logged in, 401 if nobody
    GET  /api/stream                         server-sent events (web.live); ?episode=ID for one
    GET  /api/episodes                       {"episodes": […], "next"}, open ones, most urgent first
    GET  /api/episodes/{id}                  one, with "events"
    GET  /api/episodes/{id}/colleagues       {"colleagues": [{username, display_name, role,
                                             on_duty}, …], "services": [{service, name, on_duty},
                                             …]}: to whom it can be handed over, who can be asked
    GET  /api/episodes/{id}/emergency-call   a call to 112, to read aloud (web.emergency)
    POST /api/episodes/{id}/…                what a member does (web.doing)

Errors: {"error": one sentence in the member's language, "status"}. What all of it looks like is
described beside each handler and told at /api/openapi.json (web.openapi).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from aiohttp.helpers import ETAG_ANY, ETag
from aiohttp_sse import sse_response

from alerts.delivery import outbox
from alerts.episodes import listing
from core.database import Connection, load_queries
from core.errors import UserError
from web import paging
from web.access import purpose_of, record_looks, shown_with
from web.episodes import episode_json
from web.history import event_json
from web.live import Hub
from web.openapi import answers
from web.openapi.operation import Operation, Query, described
from web.parts import caller, database, parts, texts_of
from web.session import gather
from web.streams import Stream
from web.words import service_name

_T = TypeVar("_T")
_encode = msgspec.json.Encoder().encode
_SEND_TIMEOUT_S = 10.0
"""A page whose phone has gone without a word is given up after this."""


def json_answer(content: object, *, status: int = 200) -> web.Response:
    """JSON, times as RFC 3339."""
    return web.Response(body=_encode(content), status=status, content_type="application/json")


def tagged(
    request: web.Request, content: dict[str, Any], *, but: str | None = None
) -> web.Response:
    """JSON with an entity tag, or 304 where the caller has the same already (RFC 9110, 13.1.2).

    The tag is made of what is answered, words included, so that whatever differs differs in it;
    `but` names what may be another each time, such as the time, and makes the tag a weak one. It
    saves the way to a phone, not the reading: rights are asked and the look is on record each time.
    """
    body = _encode(content)
    same = body if but is None else _encode({k: v for k, v in content.items() if k != but})
    tag = ETag(hashlib.sha256(same).hexdigest()[:32], is_weak=but is not None)
    given = request.if_none_match or ()
    if any(one.value in (tag.value, ETAG_ANY) for one in given):
        answer = web.Response(status=304)
    else:
        answer = web.Response(body=body, content_type="application/json")
    answer.etag = tag
    return answer


@described(Operation("Who is logged in", answers.Session))
async def session(request: web.Request) -> web.Response:
    """GET /api/session: who I am, and the form token, for a page that was kept on the phone; 401
    tells a page that its session has ended."""
    member = caller(request)
    return json_answer(
        {
            "username": member.username,
            "name": member.display_name,
            "role": member.role,
            "language": member.language,
            "token": member.csrf,
        }
    )


@described(
    Operation(
        "Alerts as they change, as server-sent events",
        query=(Query("episode", "Of this alert only.", {"type": "integer"}),),
        media="text/event-stream",
    )
)
async def stream(request: web.Request) -> web.StreamResponse:
    """GET /api/stream"""
    given = request.query.get("episode")
    only = _number(request, given) if given is not None else None
    return await events_of(request, lambda hub: hub.open(caller(request), only=only))


async def events_of(request: web.Request, opened: Callable[[Hub], Stream]) -> web.StreamResponse:
    """Send a page's events for as long as it is open."""
    if request.transport is None:
        return web.Response(status=499)  # Gone before it was answered; nobody reads this.
    hub = parts(request).hub
    page = opened(hub)
    try:
        async with sse_response(
            request, sep="\n", send_timeout=_SEND_TIMEOUT_S, ping_interval=3600
        ) as response:
            while (event := await page.queue.get()) is not None:
                await response.send(event.data, event=event.name)
    except (ConnectionError, TimeoutError):
        pass  # The page is gone; it comes back by itself if it can.
    finally:
        hub.close(page)
    return response


@described(
    Operation(
        "The open alerts, most urgent first",
        answers.Episodes,
        query=(
            Query(
                "limit",
                "At most so many, a page; without this and without a cursor, all.",
                {"type": "integer", "minimum": 1, "maximum": paging.MOST},
            ),
            Query(
                "cursor",
                "Behind the page whose `next` this is.",
                {"type": "string", "minLength": 1, "maxLength": paging.LONGEST},
            ),
        ),
        tagged=True,
    )
)
async def episodes(request: web.Request) -> web.Response:
    """GET /api/episodes?limit=…&cursor=…"""
    member, shared = caller(request), parts(request)
    now, page = shared.clock.now(), _page(request)
    following = None
    async with database(request) as connection:
        await gather(connection)
        if page is None:
            found = await listing.open_episodes(connection, member=member.id, now=now)
        else:
            after, count = page
            found, following = await listing.open_page(
                connection, member=member.id, now=now, after=after, count=count
            )
        looks = {(member.id, subject) for card in found for subject in shown_with(card)}
        await record_looks(
            connection, looks, what="list", wall=shared.wall(), purpose=purpose_of(member)
        )
    text = texts_of(request)
    listed = [episode_json(card, text, now) for card in found]
    onward = None if following is None else paging.cursor(following)
    return tagged(request, {"episodes": listed, "next": onward, "time": now}, but="time")


def _page(request: web.Request) -> tuple[paging.Key | None, int] | None:
    """Behind what, and how many; None: everything is asked for."""
    given, word = request.query.get("limit"), request.query.get("cursor")
    if given is None and word is None:
        return None
    text = texts_of(request)
    count = paging.USUAL
    if given is not None:
        count = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else 0
        if not 1 <= count <= paging.MOST:
            raise UserError(
                text.gettext("A page has from 1 to %(n)d entries: ask for so many.")
                % {"n": paging.MOST}
            )
    if word is None:
        return None, count
    try:
        return paging.behind(word), count
    except paging.NoCursorError:
        raise UserError(
            text.gettext("This is no page of this list: begin again with the first.")
        ) from None


@described(Operation("One alert and what happened to it", answers.WholeEpisode, tagged=True))
async def episode(request: web.Request) -> web.Response:
    """GET /api/episodes/{id}"""
    async with database(request) as connection:
        found = await whole(request, connection)
    return tagged(request, found)


async def whole(request: web.Request, connection: Connection) -> dict[str, Any]:
    """One alert with its events, as the caller may see it; the look is on record."""
    member, shared, text = caller(request), parts(request), texts_of(request)
    now = shared.clock.now()
    card, events = await listing.episode(
        connection, member=member.id, now=now, episode=episode_id(request)
    )
    await record_looks(
        connection,
        [(member.id, subject) for subject in shown_with(card)],
        what="episode",
        wall=shared.wall(),
        detail={"episode": card.id},
        purpose=purpose_of(member),
    )
    await outbox.seen_by(connection, episode=card.id, member=member.id, wall=shared.wall())
    return {
        **episode_json(card, text, now),
        "events": [event_json(event, card.kind, text) for event in events],
    }


@described(Operation("Who can take it, who can be asked", answers.Colleagues, tagged=True))
async def colleagues(request: web.Request) -> web.Response:
    """GET /api/episodes/{id}/colleagues"""
    which, text, queries = whose(request), texts_of(request), load_queries("alerts")
    async with database(request) as connection:
        await listing.episode(connection, **which)
        rows = [row async for row in queries.colleagues(connection, **which)]
        asked = queries.services(connection, episode=which["episode"], now=which["now"])
        services = [dict(row) async for row in asked]
    shown = ("username", "display_name", "role", "on_duty")
    return tagged(
        request,
        {
            "colleagues": [{key: row[key] for key in shown} for row in rows],
            "services": [{**row, "name": service_name(text, row["service"])} for row in services],
        },
    )


def whose(request: web.Request) -> dict[str, Any]:
    """Which episode, whose look, and when: what queries of an episode ask for."""
    return {
        "episode": episode_id(request),
        "member": caller(request).id,
        "now": parts(request).clock.now(),
    }


def episode_id(request: web.Request) -> int:
    """The identifier in the path."""
    return _number(request, request.match_info["id"])


def _number(request: web.Request, given: str) -> int:
    # What is no identifier at all is answered as one that does not exist.
    if given.isascii() and given.isdigit() and len(given) < 19:
        return int(given)
    raise web.HTTPNotFound


ROUTES = [
    web.get("/api/session", session),
    web.get("/api/stream", stream),
    web.get("/api/episodes", episodes),
    web.get("/api/episodes/{id}", episode),
    web.get("/api/episodes/{id}/colleagues", colleagues),
]
