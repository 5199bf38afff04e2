"""The database roles of the web service, and the addresses by which it connects as them.

saimi_web     everything but logging in: what the caller of its transaction may see, and no more
saimi_login   checks a login and opens the session; may do nothing else

`saimi db migrate` makes the roles. They get a password here: where the service is given the owner's
address alone (one machine, tests, `saimi up`), one that is derived from the owner's, so that every
process of it finds the same; from it nobody can tell the owner's.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from core.database import connect
from core.errors import DatabaseAccessError

WEB = "saimi_web"
LOGIN = "saimi_login"
_ATTEMPTS = 5
_ITERATIONS = 4096
"""As PostgreSQL's own; passwords here are made by a machine and cannot be guessed."""


@dataclass(frozen=True)
class WebUrls:
    """How the web service reaches the database, once for each of its roles."""

    web: str
    login: str


async def web_urls(owner_url: str) -> WebUrls:
    """The addresses of the web service's roles, derived from the owner's.

    Raises:
        DatabaseAccessError: the owner may not set their passwords.
        DatabaseUnavailableError: the database does not answer.
    """
    urls = [await _with_password(owner_url, role) for role in (WEB, LOGIN)]
    return WebUrls(*urls)


async def give_password(owner_url: str, role: str, password: str) -> str:
    """Set a role's password; its address.

    Raises:
        DatabaseAccessError: the owner may not.
    """
    connection = await connect(owner_url)
    try:
        await _alter(connection, f"ALTER ROLE {role} PASSWORD '{_verifier(password)}'")
    except asyncpg.InsufficientPrivilegeError as error:
        raise DatabaseAccessError(
            f"The database's owner may not set the password of {role}: let an administrator of the "
            f"server set one, and set SAIMI_WEB_DATABASE_URL and SAIMI_LOGIN_DATABASE_URL."
        ) from error
    finally:
        await connection.close()
    return url_of(owner_url, role, password)


def _verifier(password: str) -> str:
    """What the server keeps of a password (RFC 5803), so that none is ever in its log."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    text = [b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{text[0]}${text[1]}:{text[2]}"


def url_of(owner_url: str, role: str, password: str) -> str:
    """The owner's address, with another user."""
    parts = urlsplit(owner_url)
    host = parts.netloc.rpartition("@")[2]
    secret = f":{quote(password, safe='')}" if password else ""
    return urlunsplit(parts._replace(netloc=f"{role}{secret}@{host}"))


def derived_password(owner_url: str, role: str) -> str:
    """A role's password where nobody has chosen one; '' where the owner needs none either."""
    password = unquote(urlsplit(owner_url).password or "")
    if not password:
        return ""
    return hmac.new(password.encode(), f"saimi:{role}".encode(), hashlib.sha256).hexdigest()


async def _with_password(owner_url: str, role: str) -> str:
    password = derived_password(owner_url, role)
    url = url_of(owner_url, role, password)
    if not password:
        return url
    try:
        await (await connect(url)).close()
    except DatabaseAccessError:
        await give_password(owner_url, role, password)
    return url


async def _alter(connection: asyncpg.Connection, statement: str) -> None:
    for left in reversed(range(_ATTEMPTS)):
        try:
            await connection.execute(statement)
            return
        except asyncpg.InternalServerError:
            # "tuple concurrently updated": another process of ours does the same just now.
            if not left:
                raise
            await asyncio.sleep(0.05)
