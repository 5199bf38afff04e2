"""A client logs in: with a code from their care team, and their birth date.

GET, POST /own/login    the page
POST /own/logout
"""

from __future__ import annotations

import secrets
from datetime import date

import structlog
from aiohttp import web

from core.database import load_queries, translated
from web.auth import refuse_haste
from web.own.code import LONGEST, typed
from web.own.session import KEPT, cookie, own_database, refuse_strangers
from web.parts import language, parts, texts_of

log = structlog.get_logger()


async def show(request: web.Request) -> web.Response:
    """GET /own/login"""
    return _page(request)


async def log_in(request: web.Request) -> web.Response:
    """POST /own/login: a right code opens one session, and is worth nothing from then on."""
    form, shared = await request.post(), parts(request)
    address = f"own {request.remote or '-'}"
    refuse_haste(request, address, address)
    code, kept = typed(str(form.get("code", ""))[:LONGEST]), form.get("kept") == "yes"
    token = secrets.token_urlsafe(32)
    try:
        born = date.fromisoformat(str(form.get("born", "")))
    except ValueError:
        born = None
    opened = False
    if born is not None and code:
        async with translated(), shared.login.acquire() as connection:
            opened = await load_queries("web").start_client_session(
                connection, code=code, born=born, token=token, kept=kept
            )
    if not opened:
        shared.attempts.failed(address, shared.wall())
        log.info("own login refused")
        return _page(
            request,
            failure=texts_of(request).gettext(
                "The code and the birth date do not belong together, or the code has been used or "
                "is too old: look at them again, or ask your care team for a new code."
            ),
        )
    shared.attempts.succeeded(address)
    log.info("own login")
    response = web.Response(status=303, headers={"Location": "/own"})
    response.set_cookie(
        cookie(request),
        token,
        max_age=int(KEPT.total_seconds()) if kept else None,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=shared.https,
    )
    return response


async def log_out(request: web.Request) -> web.Response:
    """POST /own/logout: the session ends here and in the database."""
    form = await request.post()
    async with own_database(request) as own:
        refuse_strangers(own, form)
        await load_queries("web").end_client_session(
            own.connection, token=request.cookies[cookie(request)]
        )
    response = web.Response(status=303, headers={"Location": "/own/login"})
    response.del_cookie(cookie(request), path="/")
    return response


def _page(request: web.Request, *, failure: str | None = None) -> web.Response:
    shared = parts(request)
    html = shared.pages.render(
        "own/login.html",
        language(request),
        failure=failure,
        caller=None,
        here="/own/login",
        longest=LONGEST,
        today=shared.clock.now().date().isoformat(),
    )
    return web.Response(text=html, status=401 if failure else 200, content_type="text/html")


ROUTES = [
    web.get("/own/login", show),
    web.post("/own/login", log_in),
    web.post("/own/logout", log_out),
]
