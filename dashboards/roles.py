"""Database roles that read for Grafana: one an area, which sees its clients, and one for the
county, which sees figures only. What each may see is decided in the database (schema `grafana`)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from core.database import Connection, load_queries, translated
from core.errors import DatabaseError, NotFoundError, UserError
from dashboards.boards import Audience

PREFIX = "saimi_grafana_"
_ITERATIONS = 4096
"""PostgreSQL's own default; the password is 256 random bits, so more would add nothing."""


@dataclass(frozen=True)
class Reader:
    """A role and whose it is."""

    role: str
    area: str | None
    """Code of the area; None: the county."""
    title: str
    """For people: what the area is called."""

    @property
    def audience(self) -> Audience:
        return "county" if self.area is None else "area"


@dataclass(frozen=True)
class KnownReader:
    """A role that was made, as the database has it."""

    role: str
    area: str | None
    organisation: int | None
    there: bool
    """Whether the server has it still."""


def reader_of(area: str | None, title: str, *, prefix: str = PREFIX) -> Reader:
    """The role of an area, or of the county.

    Raises:
        UserError: the area's code is too long for the name of a role (PostgreSQL: 63 bytes).
    """
    role = f"{prefix}county" if area is None else f"{prefix}area_{area}"
    if len(role.encode()) > 63:
        raise UserError(f"The code of the area {area!r} is too long for the name of a role.")
    return Reader(role, area, title)


async def wanted_readers(connection: Connection, *, prefix: str = PREFIX) -> list[Reader]:
    """A reader for each area of the registry, and the county's first."""
    async with translated():
        rows = [row async for row in load_queries("dashboards").areas(connection)]
    return [
        reader_of(None, "", prefix=prefix),
        *(reader_of(row["code"], row["name"], prefix=prefix) for row in rows),
    ]


async def one_reader(connection: Connection, area: str | None, *, prefix: str = PREFIX) -> Reader:
    """The reader of an area, or of the county.

    Raises:
        NotFoundError: there is no such area.
    """
    for reader in await wanted_readers(connection, prefix=prefix):
        if reader.area == area:
            return reader
    raise NotFoundError(f"There is no area {area!r}: `saimi registry import` makes areas.")


async def known_readers(connection: Connection) -> list[KnownReader]:
    """The roles that were made for this database."""
    async with translated():
        rows = [row async for row in load_queries("dashboards").readers(connection)]
    return [KnownReader(r["name"], r["area"], r["organisation"], r["there"]) for r in rows]


async def make_role(connection: Connection, reader: Reader) -> str:
    """Make the role, or renew its rights and password; the password, which is kept nowhere.

    Raises:
        DatabaseError: this user of the database may not make roles.
    """
    password = secrets.token_urlsafe(32)
    queries = load_queries("dashboards")
    async with _making(), connection.transaction():
        rows = queries.role_statements(
            connection, name=reader.role, verifier=verifier(password), audience=reader.audience
        )
        for row in [row async for row in rows]:
            await connection.execute(row["statement"])
        await queries.note_reader(connection, name=reader.role, area=reader.area)
    return password


async def note_organisation(connection: Connection, role: str, organisation: int) -> None:
    """Remember which of Grafana's organisations reads by this role."""
    async with translated():
        await load_queries("dashboards").note_organisation(
            connection, name=role, organisation=organisation
        )


async def drop_role(connection: Connection, role: str) -> None:
    """Take a role's rights away and the role with them; one that is gone already is forgotten.

    Raises:
        DatabaseError: this user of the database may not, or the role has rights elsewhere.
    """
    queries = load_queries("dashboards")
    async with _making(), connection.transaction():
        for row in [row async for row in queries.unmake_statements(connection, name=role)]:
            await connection.execute(row["statement"])
        await queries.forget_reader(connection, name=role)


@asynccontextmanager
async def _making() -> AsyncIterator[None]:
    """Says what is missing where roles may not be made."""
    try:
        async with translated():
            yield
    except DatabaseError as error:
        if not isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
            raise
        raise DatabaseError(
            "The database user of SAIMI_DATABASE_URL may not make roles for Grafana: let an "
            "administrator run ALTER ROLE … CREATEROLE, or run this as one who may."
        ) from error


def verifier(password: str) -> str:
    """What PostgreSQL stores of a password (SCRAM-SHA-256, RFC 5802, RFC 7677), so that the
    password itself is neither sent nor logged."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client_key).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    coded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{coded[0]}${coded[1]}:{coded[2]}"
