"""Seeing a client in an emergency who is none of one's own: for a reason, four hours, on record.

    POST /api/break-glass   {"given_name", "family_name", "born", "reason"} -> {"client": pseudonym}

Who is meant is said by full name and birth date; nothing can be searched for. The reason stands in
the client's record of looks, with every look that follows.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from core.database import EPISODE_CHANNEL, RIGHTS_CHANGED, load_queries
from core.errors import NotFoundError, UserError
from web.api import json_answer
from web.errors import not_found
from web.parts import database, texts_of


class _Breaking(msgspec.Struct, forbid_unknown_fields=True):
    given_name: Annotated[str, Meta(min_length=1, max_length=200)]
    family_name: Annotated[str, Meta(min_length=1, max_length=200)]
    born: date
    reason: Annotated[str, Meta(min_length=10, max_length=1000, pattern=r"\S.{8,}\S")]


async def break_glass(request: web.Request) -> web.Response:
    """POST /api/break-glass"""
    try:
        given = msgspec.json.decode(await request.read(), type=_Breaking)
    except msgspec.MsgspecError:
        sentence = texts_of(request).gettext("This request cannot be understood.")
        raise UserError(sentence) from None
    queries = load_queries("web")
    async with database(request) as connection:
        pseudonym = await queries.break_glass(
            connection,
            given=given.given_name,
            family=given.family_name,
            born=given.born,
            reason=given.reason,
        )
        if pseudonym is None:
            raise NotFoundError(not_found(request))
        await load_queries("alerts").notify_rights(
            connection, channel=EPISODE_CHANNEL, payload=RIGHTS_CHANGED
        )
    return json_answer({"client": pseudonym})


ROUTES = [web.post("/api/break-glass", break_glass)]
