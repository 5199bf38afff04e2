"""A client's own session: its cookie, and the transactions in which it sees its client alone."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from core.database import Connection, load_queries, translated
from web.errors import ForbiddenError
from web.i18n import Language, Texts, as_language, texts
from web.parts import LANGUAGE_COOKIE, parts
from web.security import FORM_FIELD
from web.session import SessionEndedError, csrf_token

KEPT = timedelta(days=90)
"""For how long a device that is the client's own stays logged in (0036_own_view.sql)."""


@dataclass(frozen=True)
class Own:
    """The client whom a request comes from, and their transaction."""

    connection: Connection
    language: Language
    csrf: str = field(repr=False)

    @property
    def text(self) -> Texts:
        """The texts in which they are answered."""
        return texts(self.language)


def cookie(request: web.Request) -> str:
    """The name of the cookie with the session's token; the staff's is another."""
    return "__Host-saimi-own" if parts(request).https else "saimi-own"


@asynccontextmanager
async def own_database(request: web.Request) -> AsyncIterator[Own]:
    """A transaction that sees what the client of the request's own session may see.

    Raises:
        web.HTTPSeeOther: a page is asked for without a session: to the login.
        SessionEndedError: anything else is.
        DatabaseError: the database is away or refuses.
    """
    token = request.cookies.get(cookie(request), "")
    shared, queries = parts(request), load_queries("web")
    async with translated(), shared.pool.acquire() as connection, connection.transaction():
        spoken = await queries.act_for_client(connection, token=token) if token else None
        if spoken is None:
            if request.method == "GET" and request.path == "/own":
                raise web.HTTPSeeOther("/own/login")
            raise SessionEndedError
        chosen = as_language(request.cookies.get(LANGUAGE_COOKIE))
        yield Own(connection, chosen or as_language(spoken) or "fi", csrf_token(token))


def refuse_strangers(own: Own, form: Mapping[str, object]) -> None:
    """A form must carry the session's own form token, which other sites cannot read.

    Raises:
        ForbiddenError: it does not.
    """
    given = str(form.get(FORM_FIELD, ""))
    if not hmac.compare_digest(given.encode(), own.csrf.encode()):
        raise ForbiddenError(
            own.text.gettext(
                "This did not come from a page of Saimi's, so nothing was changed: "
                "reload the page and try again."
            )
        )
