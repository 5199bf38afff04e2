"""Seeing a client in an emergency who is none of one's own: for a reason, four hours, on record.

    GET, POST /break-glass   the page: what it does, a form, and what was opened so far
    POST /api/break-glass    the same: {"given_name", "family_name", "born", "reason"}
                             -> {"client": pseudonym}

Who is meant is said by full name and birth date; nothing can be searched for. The reason stands in
the client's record of looks, with every look that follows. Members see what they opened themselves,
the desk what everybody did.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from core.database import EPISODE_CHANNEL, RIGHTS_CHANGED, Connection, load_queries
from core.errors import NotFoundError, UserError
from web.access import purpose_of, record_looks
from web.api import json_answer
from web.errors import not_found
from web.openapi import answers
from web.openapi.operation import Operation, described
from web.parts import caller, database, language, parts, texts_of

_SHOWN = 100
"""Of what was opened, the newest."""
_FIELDS = ("given_name", "family_name", "born", "reason")


class _Breaking(msgspec.Struct, forbid_unknown_fields=True):
    given_name: Annotated[str, Meta(min_length=1, max_length=200)]
    family_name: Annotated[str, Meta(min_length=1, max_length=200)]
    born: date
    reason: Annotated[str, Meta(min_length=10, max_length=1000, pattern=r"\S.{8,}\S")]


async def _break(connection: Connection, given: _Breaking) -> str | None:
    """The client's pseudonym, who may be seen from now on; None: there is none, or not this way."""
    pseudonym: str | None = await load_queries("web").break_glass(
        connection,
        given=given.given_name,
        family=given.family_name,
        born=given.born,
        reason=given.reason,
    )
    if pseudonym is not None:
        await load_queries("alerts").notify_rights(
            connection, channel=EPISODE_CHANNEL, payload=RIGHTS_CHANGED
        )
    return pseudonym


@described(Operation("See a client in an emergency, for a reason", answers.SeenClient, _Breaking))
async def break_glass(request: web.Request) -> web.Response:
    """POST /api/break-glass"""
    try:
        given = msgspec.json.decode(await request.read(), type=_Breaking)
    except msgspec.MsgspecError:
        sentence = texts_of(request).gettext("This request cannot be understood.")
        raise UserError(sentence) from None
    async with database(request) as connection:
        pseudonym = await _break(connection, given)
    if pseudonym is None:
        raise NotFoundError(not_found(request))
    return json_answer({"client": pseudonym})


async def show(request: web.Request) -> web.Response:
    """GET /break-glass"""
    return await _page(request, {})


async def submit(request: web.Request) -> web.Response:
    """POST /break-glass: the same as the API, for the page's form."""
    form = await request.post()
    filled = {name: " ".join(str(form.get(name, "")).split()) for name in _FIELDS}
    text = texts_of(request)
    try:
        given = msgspec.convert(filled, type=_Breaking, strict=False)
    except msgspec.ValidationError:
        return await _page(
            request,
            filled,
            failure=text.gettext(
                "Give the full name, the birth date, and a reason of ten to a thousand characters."
            ),
        )
    async with database(request) as connection:
        pseudonym = await _break(connection, given)
    if pseudonym is None:
        return await _page(
            request,
            filled,
            failure=text.gettext(
                "Nothing was opened: there is no client of exactly this name and birth date, you "
                "are no carer, or you have done this ten times within a day. In an emergency call "
                "the duty desk."
            ),
        )
    return web.Response(status=303, headers={"Location": f"/clients/{pseudonym}/trends"})


async def _page(
    request: web.Request, filled: dict[str, str], *, failure: str | None = None
) -> web.Response:
    member, shared = caller(request), parts(request)
    async with database(request) as connection:
        rows = [
            dict(row) async for row in load_queries("web").broken_glass(connection, count=_SHOWN)
        ]
        await record_looks(
            connection,
            {(member.id, row["subject"]) for row in rows if row["name"] is not None},
            what="list",
            wall=shared.wall(),
            purpose=purpose_of(member),
        )
    html = shared.pages.render(
        "break_glass.html",
        language(request),
        caller=member,
        here="/break-glass",
        rows=rows,
        filled=dict.fromkeys(_FIELDS, "") | filled,
        failure=failure,
        today=shared.clock.now().date().isoformat(),
        may=member.role in ("member", "clinician"),
        everybody=member.role == "coordinator",
    )
    return web.Response(text=html, status=400 if failure else 200, content_type="text/html")


async def open_until(connection: Connection, subject: int) -> datetime | None:
    """Until when the caller sees this client only because they broke the glass; None: they do not,
    or they would see the client anyhow.
    """
    found: Any = await load_queries("web").open_glass(connection, subject=subject)
    return found if isinstance(found, datetime) else None


ROUTES = [
    web.post("/api/break-glass", break_glass),
    web.get("/break-glass", show),
    web.post("/break-glass", submit),
]
