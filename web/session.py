"""Sessions: a random token in a cookie, its SHA-256 in the database, an end.

The limits follow OWASP's Session Management guidance, stretched to a shift: a session unused for
`IDLE` ends (an open page counts as use, or a night's alerts would stop unseen), and every session
ends after `LONGEST`. All times here are wall time.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.database import Connection, load_queries
from core.errors import SaimiError
from web.i18n import Language, as_language

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=13)
"""The longest shift of the county with its handovers."""
_TOUCH_EVERY = timedelta(minutes=1)


class SessionEndedError(SaimiError):
    """The session of whoever calls is none any more, or never was."""

    http_status = 401

    def __init__(self) -> None:
        super().__init__("The session has ended: log in again.")


@dataclass(frozen=True)
class Caller:
    """The member a request comes from."""

    id: int
    username: str
    display_name: str
    role: str
    language: Language
    token: str = field(repr=False)
    """The session's own, which lets the database know who asks."""
    csrf: str = field(repr=False)
    """What a changing request must bring along besides the cookie."""


def csrf_token(token: str) -> str:
    """The token of the session's forms; tells nothing about the session's own."""
    return hashlib.sha256(b"form:" + token.encode()).hexdigest()


@dataclass(frozen=True)
class There:
    """A session at the identity provider, by which it can end ours."""

    subject: str
    session: str | None
    """None: the provider numbers none."""


async def start_session(connection: Connection, member: int, there: There | None = None) -> str:
    """Open a session, as the role that may; the token goes into the cookie and is kept nowhere."""
    token, queries = secrets.token_urlsafe(32), load_queries("web")
    if there is None:
        await queries.start_session(connection, token=token, member=member, lasts=LONGEST)
    else:
        await queries.start_provider_session(
            connection, token=token, member=member, lasts=LONGEST,
            subject=there.subject, session=there.session,
        )  # fmt: skip
    return token


async def find_session(connection: Connection, token: str, *, wall: datetime) -> Caller | None:
    """Who calls with `token`; None if that is no session any more."""
    queries = load_queries("web")
    row = await queries.find_session(connection, token=token, idle=IDLE)
    if row is None:
        return None
    if wall - row["seen_at"] > _TOUCH_EVERY:
        await touch_sessions(connection, [token])
    return Caller(
        id=row["member"],
        username=row["username"],
        display_name=row["display_name"],
        role=row["role"],
        language=as_language(row["language"]) or "fi",
        token=token,
        csrf=csrf_token(token),
    )


async def act_for(connection: Connection, tokens: Iterable[str]) -> frozenset[int]:
    """Let the transaction see what the members of these sessions may see; who they are.

    The database itself looks whether they still are sessions, and forgets them at the end of the
    transaction; without this it shows nothing of anybody.
    """
    members = await load_queries("web").act_for(connection, tokens=list(tokens))
    return frozenset(members)


async def gather(connection: Connection, subjects: Iterable[int] | None = None) -> None:
    """Before a query over many clients or alerts: let the transaction know at once whom it may see.

    Without it the database asks about each row by itself, which is faster for a few. With
    `subjects` the transaction sees nobody besides these from then on.
    """
    asked = None if subjects is None else list(subjects)
    await load_queries("web").gather(connection, subjects=asked)


async def touch_sessions(connection: Connection, tokens: Iterable[str]) -> set[str]:
    """Note that sessions are in use; those that still are sessions."""
    rows = load_queries("web").touch_sessions(connection, tokens=list(tokens))
    return {row["token"] async for row in rows}


async def end_session(connection: Connection, token: str) -> None:
    """Log out: from now on the token is worth nothing."""
    await load_queries("web").end_session(connection, token=token)
