"""Databases that live as long as a measurement."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from core.database import connect, translated
from core.migrate import migrate


@asynccontextmanager
async def scratch_database(url: str) -> AsyncIterator[str]:
    """A new database with Saimi's schema on the server of `url`; its address. Dropped at the end.

    Raises:
        DatabaseError: the server is away, or this user may not create databases.
    """
    name = f"saimi_bench_{secrets.token_hex(6)}"
    await _administer(url, f"CREATE DATABASE {name}")
    try:
        made = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        await migrate(made)
        yield made
    finally:
        await _administer(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _administer(url: str, statement: str) -> None:
    connection = await connect(url)
    try:
        async with translated():
            await connection.execute(statement)
    finally:
        await connection.close()
