"""Sessions: a random token in a cookie, its SHA-256 in the database, an end.

The limits follow OWASP's Session Management guidance, stretched to a shift: a session unused for
`IDLE` ends (an open page counts as use, or a night's alerts would stop unseen), and every session
ends after `LONGEST`. All times here are wall time.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.database import Connection, load_queries
from web.i18n import Language, as_language

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=13)
"""The longest shift of the county with its handovers."""
_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """The member a request comes from."""

    id: int
    username: str
    display_name: str
    role: str
    language: Language
    token_hash: bytes
    csrf: str
    """What a changing request must bring along besides the cookie."""


def hash_token(token: str) -> bytes:
    """What is stored of a session's token."""
    return hashlib.sha256(token.encode()).digest()


def csrf_token(token: str) -> str:
    """The token of the session's forms; tells nothing about the session's own."""
    return hashlib.sha256(b"form:" + token.encode()).hexdigest()


async def start_session(connection: Connection, member: int, *, wall: datetime) -> str:
    """Open a session; the token goes into the cookie and is kept nowhere else."""
    token = secrets.token_urlsafe(32)
    await load_queries("web").start_session(
        connection,
        token_hash=hash_token(token),
        member=member,
        wall=wall,
        expires_at=wall + LONGEST,
    )
    return token


async def find_session(connection: Connection, token: str, *, wall: datetime) -> Caller | None:
    """Who calls with `token`; None if that is no session any more."""
    queries = load_queries("web")
    token_hash = hash_token(token)
    row = await queries.find_session(
        connection, token_hash=token_hash, wall=wall, idle_since=wall - IDLE
    )
    if row is None:
        return None
    if wall - row["seen_at"] > _TOUCH_EVERY:
        await queries.touch_sessions(connection, token_hashes=[token_hash], wall=wall)
    return Caller(
        id=row["member"],
        username=row["username"],
        display_name=row["display_name"],
        role=row["role"],
        language=as_language(row["language"]) or "fi",
        token_hash=token_hash,
        csrf=csrf_token(token),
    )


async def end_session(connection: Connection, token_hash: bytes, *, wall: datetime) -> None:
    """Log out: from now on the token is worth nothing."""
    await load_queries("web").end_session(connection, token_hash=token_hash, wall=wall)
