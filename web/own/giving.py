"""Staff give a client a login of their own, and end it.

    GET  /clients/{pseudonym}/own       the page: how the client logs in
    POST /clients/{pseudonym}/own       a new code, shown once; or, with `end`, all logins end

Carers in whose care the client is, and the desk; the database decides (0036_own_view.sql).
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from aiohttp import web

from core.database import load_queries
from web.access import purpose_of, record_looks
from web.own.code import new_code, spaced
from web.pages import page
from web.parts import caller, database, parts
from web.steward.clients import client_of, refused


async def show(request: web.Request) -> web.Response:
    """GET /clients/{pseudonym}/own"""
    return await _page(request)


async def give(request: web.Request) -> web.Response:
    """POST /clients/{pseudonym}/own"""
    form, queries = await request.post(), load_queries("web")
    code = None if form.get("end") == "yes" else new_code()
    async with database(request) as connection:
        subject = await client_of(request, connection)
        # Each asking is an action of its own: of two codes the later holds, and is what is seen.
        if code is None:
            done = await queries.end_client_logins(connection, action=uuid4(), subject=subject.id)
        else:
            done = await queries.give_client_code(
                connection, action=uuid4(), subject=subject.id, code=code
            )
        if not done:
            raise refused(request)
    return await _page(request, code=code, ended=code is None)


async def _page(
    request: web.Request, *, code: str | None = None, ended: bool = False
) -> web.Response:
    member, shared = caller(request), parts(request)
    async with database(request) as connection:
        subject = await client_of(request, connection)
        await record_looks(
            connection,
            [(member.id, subject.id)],
            what="own_login",
            wall=shared.wall(),
            purpose=purpose_of(member),
        )
        login: Any = await load_queries("web").client_login(connection, subject=subject.id)
    public = shared.public_url or f"{request.scheme}://{request.host}"
    return page(
        request,
        "own/giving.html",
        here=f"/clients/{subject.pseudonym}/own",
        subject=subject,
        login=login,
        code=None if code is None else spaced(code),
        ended=ended,
        address=f"{public.rstrip('/')}/own",
    )


ROUTES = [
    web.get("/clients/{pseudonym}/own", show),
    web.post("/clients/{pseudonym}/own", give),
]
