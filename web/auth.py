"""Logging in and out, and who a request comes from."""

from __future__ import annotations

import asyncio
from urllib.parse import quote, urlencode

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from core.database import load_queries, translated
from core.passwords import verify_password
from web.attempts import FREE_BY_ADDRESS
from web.errors import ForbiddenError, TooManyAttemptsError
from web.i18n import as_language
from web.parts import (
    CALLER,
    LANGUAGE_COOKIE,
    caller,
    database,
    known_caller,
    language,
    parts,
    texts_of,
)
from web.session import (
    LONGEST,
    SessionEndedError,
    There,
    end_session,
    find_session,
    start_session,
)

log = structlog.get_logger()

_OPEN = (
    "/static/", "/healthz", "/readyz", "/receipt/",
    "/fhir/R4/metadata", "/fhir/R4/.well-known/", "/own",
)  # fmt: skip
"""Answered without asking which member calls; /own asks for a client's session (web.own)."""
START, RETURN, OUT = "/login/start", "/login/return", "/login/out"
"""The login at the county's identity provider (web.oidc)."""
ENDED = "/login/ended"
"""Where the provider says that a session has ended (web.ended_there)."""
_BEFORE_LOGIN = ("/login", "/language", START, RETURN, OUT, ENDED)
_MAX_PASSWORD = 1024
_AT_ONCE = asyncio.Semaphore(2)
"""Password checks at a time: each takes 64 MiB and a core."""


def _cookie(request: web.Request) -> str:
    # The prefix makes browsers refuse the cookie from anywhere but this host over TLS.
    return "__Host-saimi" if parts(request).https else "saimi"


@web.middleware
async def load_session(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: find the caller; without one only the login is open."""
    if request.path.startswith(_OPEN) or known_caller(request) is not None:
        return await handler(request)
    token = request.cookies.get(_cookie(request))
    if token:
        async with database(request) as connection:
            found = await find_session(connection, token, wall=parts(request).wall())
        if found is not None:
            request[CALLER] = found
    if known_caller(request) is None and request.path not in _BEFORE_LOGIN:
        if request.path.startswith(("/api/", "/fhir/")) or request.method != "GET":
            raise SessionEndedError
        raise web.HTTPSeeOther(f"/login?next={quote(request.path_qs, safe='')}")
    return await handler(request)


def _destination(given: str) -> str:
    """Where to go after the login: only ever a path of ours."""
    path = local_path(given)
    return "/" if path.startswith("/login") else path


def local_path(given: str) -> str:
    """`given` if it is a path on this site, else the start page."""
    local = given.startswith("/") and not given.startswith(("//", "/\\"))
    return given if local and given.isprintable() else "/"


def _login_page(
    request: web.Request, *, failure: str | None = None, username: str = "", following: str = "/"
) -> web.Response:
    html = parts(request).pages.render(
        "login.html",
        language(request),
        failure=failure,
        username=username,
        following=following,
        passwords=parts(request).password_login,
        start=None if parts(request).oidc is None else f"{START}?{urlencode({'next': following})}",
        still_there=request.query.get("out") == "here",
        caller=None,
        here=request.path_qs if request.method == "GET" else "/login",
    )
    return web.Response(text=html, status=401 if failure else 200, content_type="text/html")


async def show_login(request: web.Request) -> web.Response:
    """GET /login"""
    following = _destination(request.query.get("next", "/"))
    if known_caller(request) is not None:
        raise web.HTTPSeeOther(following)
    return _login_page(request, following=following)


async def log_in(request: web.Request) -> web.StreamResponse:
    """POST /login with username and password; sets the session's cookie."""
    if not parts(request).password_login:
        sentence = texts_of(request).gettext(
            "Passwords are not used here: log in with the county's account."
        )
        raise ForbiddenError(sentence)
    form = await request.post()
    username = str(form.get("username", "")).strip().lower()
    password = str(form.get("password", ""))
    following = _destination(str(form.get("next", "/")))
    address = request.remote or "-"
    refuse_haste(request, address, f"{username}@{address}")
    member = None
    if len(password) <= _MAX_PASSWORD:
        async with translated(), parts(request).login.acquire() as connection:
            member = await load_queries("web").member_to_log_in(connection, username=username)
    async with _AT_ONCE:
        # Also for a name that does not exist, so that the time tells nobody which do.
        stored = member["password_hash"] if member is not None else None
        right = await asyncio.to_thread(verify_password, stored, password[:_MAX_PASSWORD])
    shared = parts(request)
    if member is None or not right:
        for key in (address, f"{username}@{address}"):
            shared.attempts.failed(key, shared.wall())
        log.info("login refused")
        sentence = texts_of(request).gettext("The username or the password is not right.")
        return _login_page(request, failure=sentence, username=username, following=following)
    shared.attempts.succeeded(f"{username}@{address}")
    response = web.Response(status=303, headers={"Location": quote(following, safe="/?=&%")})
    await open_session(request, response, member["id"])
    return response


async def open_session(
    request: web.Request, response: web.Response, member: int, there: There | None = None
) -> None:
    """Open a session of a member whose identity has been checked, and give its cookie along."""
    shared = parts(request)
    before = known_caller(request)
    if before is not None:  # else it would live on with nobody who knows of it
        async with database(request) as connection:
            await end_session(connection, before.token)
        shared.hub.end_session(before.token)
    async with translated(), shared.login.acquire() as connection:
        token = await start_session(connection, member, there)
    log.info("logged in", member=member)
    response.set_cookie(
        _cookie(request),
        token,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=shared.https,
    )


def refuse_haste(request: web.Request, address: str, *keys: str) -> None:
    """Let who failed to log in wait: by address, and by other keys that may fail less often.

    Raises:
        TooManyAttemptsError: it is too soon.
    """
    shared = parts(request)
    now = shared.wall()
    waits = [shared.attempts.wait(key, now) for key in keys]
    wait = max([shared.attempts.wait(address, now, free=FREE_BY_ADDRESS), *waits])
    seconds = int(wait.total_seconds()) + 1
    if wait.total_seconds() > 0:
        sentence = texts_of(request).ngettext(
            "Too many failed logins: wait %(n)s second, then try again.",
            "Too many failed logins: wait %(n)s seconds, then try again.",
            seconds,
        )
        raise TooManyAttemptsError(sentence, seconds)


async def log_out(request: web.Request) -> web.StreamResponse:
    """POST /logout: the session ends here and in the database, open streams with it."""
    member = caller(request)
    async with database(request) as connection:
        await end_session(connection, member.token)
    parts(request).hub.end_session(member.token)
    response = web.Response(status=303, headers={"Location": OUT})
    response.del_cookie(_cookie(request), path="/")
    return response


async def switch_language(request: web.Request) -> web.StreamResponse:
    """POST /language: for the member from now on; before the login for this browser."""
    form = await request.post()
    chosen = as_language(str(form.get("language", ""))) or "fi"
    member = known_caller(request)
    if member is not None:
        async with database(request) as connection:
            await load_queries("web").set_language(connection, member=member.id, language=chosen)
    target = local_path(str(form.get("here", "/")))
    response = web.Response(status=303, headers={"Location": quote(target, safe="/?=&%")})
    response.set_cookie(
        LANGUAGE_COOKIE,
        chosen,
        max_age=365 * 86400,
        path="/",
        samesite="Lax",
        httponly=True,
        secure=parts(request).https,
    )
    return response


ROUTES = [
    web.get("/login", show_login),
    web.post("/login", log_in),
    web.post("/logout", log_out),
    web.post("/language", switch_language),
]
