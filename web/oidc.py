"""Logging in at the county's identity provider: OpenID Connect's code flow with PKCE.

    GET /login/start    to the provider, with a state, a nonce and a challenge made for this browser
    GET /login/return   back from it: the code becomes an ID token, the token a session of ours
    GET /login/out      after the logout here: to the provider's own (RP-Initiated Logout 1.0)

What belongs to a login that is going on is in a cookie of the browser that began it, so any process
can end it, and nobody can fill our memory. The provider says who somebody is; what they may do is
the registry's.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import structlog
from aiohttp import web

from core.database import load_queries, translated
from core.errors import SaimiError, UserError
from web.auth import OUT, RETURN, START, local_path, open_session, refuse_haste
from web.fetched import NotFetchedError, ask
from web.parts import known_caller, language, parts, texts_of
from web.session import There
from web.tokens import Client, IssuerAwayError, Metadata, TokenRefusedError, text_claim

log = structlog.get_logger()

_HINT_PATH = "/login"
_GOING_ON_S = 600
"""How long somebody may take at the provider."""
_LONGEST_HINT = 3500
"""Characters of a cookie that browsers surely keep."""
_AT_ONCE = asyncio.Semaphore(8)
"""Codes that are redeemed at a time."""


class NotLoggedInError(UserError):
    """A login at the provider that came to nothing; the sentence says why and what to do."""

    http_status = 403


@dataclass(frozen=True)
class _GoingOn:
    """A login that a browser has begun."""

    state: str
    nonce: str
    verifier: str
    following: str

    @classmethod
    def begin(cls, following: str) -> _GoingOn:
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, following)

    @property
    def challenge(self) -> str:
        """RFC 7636, 4.2: S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def as_cookie(self) -> str:
        text = json.dumps([self.state, self.nonce, self.verifier, self.following])
        return base64.urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def of_cookie(cls, value: str) -> _GoingOn | None:
        try:
            parts = json.loads(base64.urlsafe_b64decode(value))
        except (ValueError, RecursionError):
            return None
        fine = isinstance(parts, list) and len(parts) == 4
        return cls(*parts) if fine and all(isinstance(one, str) for one in parts) else None


def _client(request: web.Request) -> Client:
    client = parts(request).oidc
    if client is None:
        raise web.HTTPNotFound
    return client


def _cookie(request: web.Request) -> str:
    return "__Host-saimi-login" if parts(request).https else "saimi-login"


async def start(request: web.Request) -> web.StreamResponse:
    """GET /login/start?next=…: to the provider."""
    client, shared = _client(request), parts(request)
    going = _GoingOn.begin(local_path(request.query.get("next", "/"))[:1000])
    metadata = await _found(request, client)
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": f"{shared.public_url}{RETURN}",
            "scope": client.scopes,
            "state": going.state,
            "nonce": going.nonce,
            "code_challenge": going.challenge,
            "code_challenge_method": "S256",
            "ui_locales": " ".join(dict.fromkeys([texts_of(request).language, "fi", "sv", "en"])),
        }
    )
    joint = "&" if "?" in metadata.authorization else "?"
    response = web.Response(
        status=303, headers={"Location": f"{metadata.authorization}{joint}{query}"}
    )
    response.set_cookie(
        _cookie(request),
        going.as_cookie(),
        max_age=_GOING_ON_S,
        path="/",
        httponly=True,
        samesite="Lax",  # the way back begins at the provider
        secure=shared.https,
    )
    return response


async def come_back(request: web.Request) -> web.StreamResponse:
    """GET /login/return?code=…&state=…: the end of the login."""
    client = _client(request)
    address = request.remote or "-"
    refuse_haste(request, address)
    try:
        response = await _end(request, client)
    except NotLoggedInError:
        shared = parts(request)
        shared.attempts.failed(address, shared.wall())
        log.info("login refused")
        raise
    response.del_cookie(_cookie(request), path="/")
    return response


async def _end(request: web.Request, client: Client) -> web.Response:
    shared, text = parts(request), texts_of(request)
    going = _GoingOn.of_cookie(request.cookies.get(_cookie(request), ""))
    state = request.query.get("state", "")
    if going is None or not hmac.compare_digest(going.state.encode(), state.encode()):
        raise NotLoggedInError(
            text.gettext(
                "This login was not begun in this browser, or too long ago, so nobody was logged "
                "in: log in again."
            )
        )
    # RFC 9207: an answer of another provider is none.
    said = request.query.get("iss", client.provider.issuer.issuer)
    if "error" in request.query or said != client.provider.issuer.issuer:
        raise NotLoggedInError(
            text.gettext(
                "The county's login did not let you in: try again, or ask the county's service "
                "desk."
            )
        )
    wall = shared.wall()
    token, claims = await _redeemed(request, client, going, wall)
    named = text_claim(claims, client.provider.issuer.username_claim)
    member = None
    if named is not None:
        async with translated(), shared.login.acquire() as connection:
            member = await load_queries("web").member_of_identity(connection, identity=named)
    if member is None:
        raise NotLoggedInError(
            text.gettext(
                "The county's login knows you, but you have no account in Saimi: ask your "
                "supervisor to have you added."
            )
        )
    # The cookie of the session is not sent while browsers count this as coming from elsewhere: our
    # own page goes on.
    response = onward(request, local_path(going.following))
    subject = text_claim(claims, "sub")
    there = None if subject is None else There(subject, text_claim(claims, "sid"))
    await open_session(request, response, member, there)
    response.set_cookie(
        _hint(request),
        token if len(token) <= _LONGEST_HINT else "-",
        path=_HINT_PATH,
        httponly=True,
        samesite="Strict",
        secure=shared.https,
    )
    return response


async def _redeemed(
    request: web.Request, client: Client, going: _GoingOn, wall: datetime
) -> tuple[str, dict[str, Any]]:
    """The ID token for the code that the browser brought, and its claims."""
    text = texts_of(request)
    form = {
        "grant_type": "authorization_code",
        "code": request.query.get("code", ""),
        "redirect_uri": f"{parts(request).public_url}{RETURN}",
        "code_verifier": going.verifier,
    }
    metadata = await _found(request, client)
    basic = None
    if client.secret is None:
        form["client_id"] = client.id
    elif metadata.posts_secret:
        form |= {"client_id": client.id, "client_secret": client.secret}
    else:
        # RFC 6749, 2.3.1: as in a form, before it is put together.
        pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
    try:
        async with _AT_ONCE:
            answer = await ask(metadata.token, form=form, authorization=basic)
    except NotFetchedError as error:
        log.warning("identity provider away", why=str(error))
        raise _away(request) from error
    token = answer.content.get("id_token")
    try:
        if answer.status != 200 or not isinstance(token, str):
            raise TokenRefusedError(f"the code was not redeemed (status {answer.status})")
        claims = await client.provider.claims(token, audience=client.id, wall=wall)
        nonce = text_claim(claims, "nonce") or ""
        if not hmac.compare_digest(nonce.encode(), going.nonce.encode()):
            raise TokenRefusedError("it belongs to another login")
        if "azp" in claims and claims["azp"] != client.id:
            raise TokenRefusedError("it was given out for another program")
        if text_claim(claims, "sub") is None or "iat" not in claims:
            raise TokenRefusedError("it lacks a claim that it must have (sub, iat)")
    except TokenRefusedError as error:
        log.warning("ID token refused", why=error.why)
        raise NotLoggedInError(
            text.gettext(
                "What the county's login answered cannot be trusted, so nobody was logged in: try "
                "again; if it stays so, tell the county's service desk."
            )
        ) from error
    except IssuerAwayError as error:
        log.warning("identity provider away", why=str(error))
        raise _away(request) from error
    return token, claims


async def log_out_there(request: web.Request) -> web.StreamResponse:
    """GET /login/out: end the provider's session too, if the one here was begun there."""
    shared, client = parts(request), parts(request).oidc
    hint = request.cookies.get(_hint(request))
    if client is None or hint is None or known_caller(request) is not None:
        raise web.HTTPSeeOther("/login")
    try:
        metadata = await client.provider.metadata(wall=shared.wall())
    except IssuerAwayError as error:
        log.warning("identity provider away", why=str(error))
        response = web.Response(status=303, headers={"Location": "/login?out=here"})
    else:
        if metadata.end_session is None:
            response = web.Response(status=303, headers={"Location": "/login?out=here"})
        else:
            query = {
                "client_id": client.id,
                "post_logout_redirect_uri": f"{shared.public_url}/login",
            }
            if hint != "-":
                query["id_token_hint"] = hint
            joint = "&" if "?" in metadata.end_session else "?"
            response = onward(request, f"{metadata.end_session}{joint}{urlencode(query)}")
    response.del_cookie(_hint(request), path=_HINT_PATH)
    return response


def onward(request: web.Request, address: str) -> web.Response:
    """A page of ours that goes on to `address` by itself.

    Not a redirect: browsers hold back the session's cookie (SameSite=Strict) from one that began at
    the provider, and refuse one from our form to the provider (form-action).
    """
    html = parts(request).pages.render(
        "onward.html", language(request), address=address, caller=None, here="/login"
    )
    return web.Response(text=html, content_type="text/html")


def _hint(request: web.Request) -> str:
    """The cookie with the ID token, by which the provider knows whose session is to end."""
    return "__Secure-saimi-hint" if parts(request).https else "saimi-hint"


async def _found(request: web.Request, client: Client) -> Metadata:
    try:
        return await client.provider.metadata(wall=parts(request).wall())
    except IssuerAwayError as error:
        log.warning("identity provider away", why=str(error))
        raise _away(request) from error


def _away(request: web.Request) -> SaimiError:
    return IssuerAwayError(
        texts_of(request).gettext(
            "The county's login does not answer just now, so nobody was logged in: try again in a "
            "moment; in an urgent matter call the duty desk."
        )
    )


ROUTES = [
    web.get(START, start),
    web.get(RETURN, come_back),
    web.get(OUT, log_out_there),
]
