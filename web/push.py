"""Push messages: a browser of a member's subscribes, and says what became of a message.

    GET  /api/push                      {"key": applicationServerKey, base64url}
    POST /api/push/subscribe            PushSubscription.toJSON() -> {"subscribed": true, "new"}
    POST /api/push/unsubscribe          {"endpoint"} -> {"subscribed": false}
    POST /receipt/{key}/{what}          delivered: it is on the device; seen: somebody opened it

The last is for a service worker, which may run when nobody is logged in any more: the message's
key, 122 random bits that only that browser could decrypt, is its right to say so. Every key is
answered the same.
"""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Meta

from alerts.delivery import outbox, reaching
from alerts.delivery.vapid import load_key, public_text
from alerts.delivery.webpush import (
    Subscription,
    SubscriptionError,
    parse_subscription,
    service_of,
)
from core.errors import UserError
from web.api import json_answer, tagged
from web.openapi import answers
from web.openapi.operation import Operation, described
from web.parts import caller, database, parts, texts_of


class _Endpoint(msgspec.Struct, forbid_unknown_fields=True):
    endpoint: Annotated[str, Meta(min_length=1, max_length=2048)]


@described(Operation("The key that messages are signed with", answers.PushKey, tagged=True))
async def key(request: web.Request) -> web.Response:
    """GET /api/push"""
    shared = parts(request)
    found = await asyncio.to_thread(load_key, shared.push.key_file)
    return tagged(request, {"key": public_text(found.public_key())})


@described(Operation("A browser subscribes", answers.Subscribed, Subscription, created=True))
async def subscribe(request: web.Request) -> web.Response:
    """POST /api/push/subscribe"""
    shared, text = parts(request), texts_of(request)
    content = await request.read()
    try:
        subscription = parse_subscription(content)
    except SubscriptionError:
        raise UserError(text.gettext("This request cannot be understood.")) from None
    try:
        service_of(subscription.endpoint, shared.push.services)
    except SubscriptionError:
        raise UserError(
            text.gettext(
                "Saimi sends nothing by this browser's push service: use another browser, or ask "
                "the operators."
            )
        ) from None
    async with database(request) as connection:
        new = await reaching.subscribe(
            connection,
            member=caller(request).id,
            subscription=subscription,
            content=msgspec.json.encode(subscription).decode(),
            wall=shared.wall(),
        )
    return json_answer({"subscribed": True, "new": new}, status=201 if new else 200)


@described(Operation("A browser ends its subscription", answers.Unsubscribed, _Endpoint))
async def unsubscribe(request: web.Request) -> web.Response:
    """POST /api/push/unsubscribe"""
    try:
        given = msgspec.json.decode(await request.read(), type=_Endpoint)
    except msgspec.MsgspecError:
        sentence = texts_of(request).gettext("This request cannot be understood.")
        raise UserError(sentence) from None
    async with database(request) as connection:
        await reaching.unsubscribe(
            connection,
            member=caller(request).id,
            endpoint=given.endpoint,
            wall=parts(request).wall(),
        )
    return json_answer({"subscribed": False})


@described(Operation("What became of a message", open=True))
async def receipt(request: web.Request) -> web.Response:
    """POST /receipt/{key}/{what}"""
    try:
        message = UUID(request.match_info["key"])
    except ValueError:
        return web.Response(status=204)
    async with database(request) as connection:
        await outbox.confirm(
            connection,
            message,
            seen=request.match_info["what"] == "seen",
            wall=parts(request).wall(),
        )
    return web.Response(status=204)


ROUTES = [
    web.get("/api/push", key),
    web.post("/api/push/subscribe", subscribe),
    web.post("/api/push/unsubscribe", unsubscribe),
    web.post(r"/receipt/{key}/{what:delivered|seen}", receipt),
]
