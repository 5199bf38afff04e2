"""Who calls the FHIR API: a bearer token, else the session of somebody who is logged in.

A believed token is worth a session in the database, as a password is: the database knows members by
their sessions, so rights are the same whichever way somebody comes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from core.database import load_queries, translated
from web.fhir.incoming import Admit
from web.fhir.outcome import FhirError
from web.fhir.scopes import IDENTITY, Action, Grant
from web.fhir.tokens import Bearer, Verifier, refused
from web.parts import CALLER, database, parts
from web.session import Caller, find_session, start_session

log = structlog.get_logger()

PREFIX = "/fhir/"
BASE = "/fhir/R4"
BEARER = web.RequestKey("bearer", Bearer)
_MOST = 10_000
_READING = Grant(frozenset({"user/*.rs", IDENTITY}))
"""What somebody who is logged in may do: read whatever the pages show them anyhow. What they
measure themselves they enter at an alert, where their name stands beside it."""


@dataclass(frozen=True)
class Fhir:
    """What the FHIR API is given."""

    verifier: Verifier | None = None
    """None: no bearer tokens are taken."""
    admit: Admit | None = None
    """None: nothing is taken in."""
    sessions: dict[bytes, tuple[str, datetime]] = field(default_factory=dict)
    """By a token's SHA-256: its session, and until when the token holds."""


FHIR = web.AppKey("fhir", Fhir)


def bearer(request: web.Request) -> Bearer | None:
    """The token that the request came with, if it came with one."""
    return request.get(BEARER)


def grant(request: web.Request) -> Grant:
    """What the caller's scopes leave of their rights."""
    one = bearer(request)
    return _READING if one is None else one.grant


def require(request: web.Request, resource: str, action: Action) -> str | None:
    """Refuse what no scope allows; the one client that it is allowed of, None: any visible one.

    Raises:
        FhirError: 403.
    """
    held = grant(request)
    if not held.allows(resource, action):
        words = {"r": "reading", "s": "searching", "c": "storing"}[action]
        held_back = "The token's scopes do" if bearer(request) else "A login of the pages does"
        raise FhirError(
            f"{held_back} not allow {words} {resource}: ask for a token with a scope such as "
            f"user/{resource}.{action}.",
            status=403,
        )
    return held.only(resource, action)


@web.middleware
async def load_bearer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: below /fhir/, find the member behind a bearer token."""
    given = request.headers.get("Authorization")
    if given is None or not request.path.startswith(PREFIX):
        return await handler(request)
    scheme, _, token = given.partition(" ")
    verifier = request.config_dict[FHIR].verifier
    if scheme.lower() != "bearer":
        raise refused("only the scheme Bearer is taken")
    if verifier is None:
        raise refused("this installation has no identity provider set up")
    said = await verifier.bearer(token.strip(), wall=parts(request).wall())
    request[CALLER] = await _caller(request, token.strip(), said)
    request[BEARER] = said
    return await handler(request)


async def _caller(request: web.Request, token: str, said: Bearer) -> Caller:
    shared, sessions = parts(request), request.config_dict[FHIR].sessions
    wall, key = shared.wall(), hashlib.sha256(token.encode()).digest()
    known = sessions.get(key)
    if known is not None:
        async with database(request) as connection:
            found = await find_session(connection, known[0], wall=wall)
        if found is not None:
            return found
    async with translated(), shared.login.acquire() as connection:
        member = await load_queries("web").member_of_identity(connection, identity=said.username)
        if member is None:
            raise refused("who it names is no member here, or not any more")
        session = await start_session(connection, member)
    async with database(request) as connection:
        found = await find_session(connection, session, wall=wall)
    if found is None:
        raise refused("who it names is no member here, or not any more")
    log.info("bearer token taken", member=found.id)
    _forget(sessions, wall)
    sessions[key] = (session, said.until)
    return found


def _forget(sessions: dict[bytes, tuple[str, datetime]], wall: datetime) -> None:
    if len(sessions) >= _MOST:
        for key in [key for key, (_, until) in sessions.items() if until < wall]:
            del sessions[key]
    while len(sessions) >= _MOST:
        del sessions[next(iter(sessions))]
