"""A session that the identity provider has ended ends here too (OIDC Back-Channel Logout 1.0).

    POST /login/ended    logout_token: the provider's signed word, from its server to ours

No browser takes part, so there is neither cookie nor form token: the signature is what counts.
A word that is sent again ends nothing new, since a session that has ended stays so.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import web

from core.database import load_queries, translated
from core.errors import DatabaseError
from web.auth import ENDED
from web.parts import parts
from web.tokens import IssuerAwayError, TokenRefusedError, text_claim

log = structlog.get_logger()

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_AT_ONCE = asyncio.Semaphore(4)
"""Signatures that are checked at a time. There is no other limit: behind a proxy a liar has the
same address as the provider, and would keep its words out."""


def whose(claims: dict[str, Any]) -> tuple[str | None, str | None]:
    """Whom a logout token is about: "sub" and "sid", one of them at least. Pure.

    Raises:
        TokenRefusedError: it is no logout token (specification, 2.4 and 2.6); above all an ID
            token, which anybody has who logged in, is none.
    """
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_EVENT), dict):
        raise TokenRefusedError("it says of no session that it has ended")
    if "nonce" in claims:
        raise TokenRefusedError("it has a nonce, as logout tokens must not")
    if "iat" not in claims or text_claim(claims, "jti") is None:
        raise TokenRefusedError("it lacks a claim that it must have (iat, jti)")
    for name in ("sub", "sid"):
        if name in claims and text_claim(claims, name) is None:
            raise TokenRefusedError(f"its {name} cannot be read")
    subject, session = text_claim(claims, "sub"), text_claim(claims, "sid")
    if subject is None and session is None:
        raise TokenRefusedError("it names neither somebody nor a session")
    return subject, session


async def ended(request: web.Request) -> web.Response:
    """POST /login/ended: 200 where it is done, 400 where the word is not believed (2.8)."""
    shared = parts(request)
    client = shared.oidc
    if client is None:
        raise web.HTTPNotFound
    form = await request.post()
    try:
        async with _AT_ONCE:
            claims = await client.provider.claims(
                str(form.get("logout_token", "")), audience=client.id, wall=shared.wall()
            )
        subject, session = whose(claims)
    except TokenRefusedError as error:
        log.warning("logout token refused", why=error.why)
        return _refused(400, "invalid_request", str(error))
    except IssuerAwayError as error:
        log.warning("identity provider away", why=str(error))
        return _refused(503, "temporarily_unavailable", str(error))
    async with translated(), shared.login.acquire() as connection:
        count = await load_queries("web").end_provider_sessions(
            connection, subject=subject, session=session
        )
    log.info("ended at the provider", sessions=count)
    with suppress(DatabaseError):  # else the hub finds out by itself in a while
        await shared.hub.look_for_ended()
    return web.Response()


def _refused(status: int, error: str, why: str) -> web.Response:
    return web.json_response({"error": error, "error_description": why}, status=status)


ROUTES = [web.post(ENDED, ended)]
