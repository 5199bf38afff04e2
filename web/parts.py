"""What the handlers of one application share, and how they reach it from a request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web

from alerts.delivery.webpush import SERVICES
from core.clock import Clock
from core.database import Connection, Pool, translated
from web.attempts import Attempts
from web.i18n import Language, Texts, as_language, preferred, texts
from web.live import Hub
from web.rendering import Pages
from web.session import Caller, SessionEndedError, act_for
from web.tokens import Client

LANGUAGE_COOKIE = "saimi_language"
MAX_BODY = 64 * 1024
"""Bytes of the longest request; a note at its longest is 8 KiB."""


@dataclass(frozen=True)
class Push:
    """How browsers subscribe to push messages."""

    key_file: Path = Path("vapid.pem")
    """Made on first use, as the delivering worker does."""
    services: tuple[str, ...] = SERVICES


@dataclass(frozen=True)
class Parts:
    """One application's shared parts."""

    pool: Pool
    """As a role that sees what the caller may see; see `database`."""
    login: Pool
    """As the role that may log people in, and nothing else."""
    clock: Clock
    wall: Callable[[], datetime]
    """Wall time: sessions, the access log."""
    hub: Hub
    pages: Pages
    attempts: Attempts
    public_url: str | None
    """Scheme and host that browsers use, where a proxy stands in front."""
    push: Push
    oidc: Client | None = None
    """How staff log in at the county's identity provider, if they do."""
    password_login: bool = True
    """Whether passwords are taken."""

    @property
    def https(self) -> bool:
        """Whether browsers come over TLS."""
        return self.public_url is not None and self.public_url.startswith("https://")


PARTS = web.AppKey("parts", Parts)
CALLER = web.RequestKey("caller", Caller)


def parts(request: web.Request) -> Parts:
    """The shared parts."""
    return request.config_dict[PARTS]


def known_caller(request: web.Request) -> Caller | None:
    """The member, if somebody is logged in."""
    return request.get(CALLER)


def caller(request: web.Request) -> Caller:
    """The member; only in handlers behind the login."""
    return request[CALLER]


@asynccontextmanager
async def database(request: web.Request) -> AsyncIterator[Connection]:
    """A transaction that sees what the request's member may see; without one, nothing of anybody.

    What is written in it stays when the handler ends well. The driver's errors come as Saimi's.

    Raises:
        DatabaseError: the database is away or refuses.
        SessionEndedError: the session has ended meanwhile.
    """
    member = known_caller(request)
    async with translated(), parts(request).pool.acquire() as connection, connection.transaction():
        if member is not None and not await act_for(connection, [member.token]):
            raise SessionEndedError
        yield connection


def language(request: web.Request) -> Language:
    """The member's language; before the login the one last used here, or the browser's."""
    member = known_caller(request)
    if member is not None:
        return member.language
    chosen = as_language(request.cookies.get(LANGUAGE_COOKIE))
    return chosen or preferred(request.headers.get("Accept-Language", ""))


def texts_of(request: web.Request) -> Texts:
    """The texts in which this request is answered."""
    return texts(language(request))
