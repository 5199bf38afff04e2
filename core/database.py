"""Connections, the three editions, named SQL, and translation of the driver's errors."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import aiosql
import asyncpg
import msgspec

from core.clock import REAL_CLOCK, ScaledClock, wall_time
from core.errors import (
    DatabaseAccessError,
    DatabaseError,
    DatabaseUnavailableError,
    RefusedValueError,
    SchemaError,
    SettingsError,
)

Edition = Literal["plain", "timescaledb-apache", "timescaledb-community"]
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
"""What a query may be run on."""
Pool = asyncpg.Pool

NOTE_CHANNEL = "saimi_note"
"""Woken when ingest has committed something new."""
EPISODE_CHANNEL = "saimi_episode"
"""Woken, with the episode's id as payload, when an episode changes."""
RIGHTS_CHANGED = "rights"
"""Payload of that channel when somebody may see more, or less, from now on."""
DEFINITION_CHANNEL = "saimi_definition"
"""Woken, with the gateway's name as payload, when ingest has learned how to read its messages."""
REGISTRY_CHANNEL = "saimi_registry"
"""Woken when the registry changes; the payload says what of it, where that is one thing alone:
`PAUSES`, `ROTA`, or a gateway with its devices (`gateway_changed`)."""
PAUSES = "pauses"
ROTA = "rota"
_GATEWAY = "gateway "
OUTBOX_CHANNEL = "saimi_outbox"
"""Woken when there is something to deliver."""
RULE_REQUEST_CHANNEL = "saimi_rule_request"
"""NOTIFY without payload when the desk asks for a change of rules to be judged."""


def gateway_changed(name: str) -> str:
    """What is told of the registry where a gateway, its devices or whose they are has changed."""
    return f"{_GATEWAY}{name}"


def changed_gateway(told: str) -> str | None:
    """The gateway of which something is told; None: it is about no single one."""
    return told.removeprefix(_GATEWAY) if told.startswith(_GATEWAY) else None


@dataclass(frozen=True)
class ServerInfo:
    """What kind of database this is."""

    edition: Edition
    postgresql: str
    timescaledb: str | None

    @property
    def version(self) -> str:
        """For people: both versions."""
        if self.timescaledb is None:
            return f"PostgreSQL {self.postgresql}"
        return f"PostgreSQL {self.postgresql}, TimescaleDB {self.timescaledb}"


@cache
def load_queries(package: str) -> Any:
    """The named queries of `<package>/sql/*.sql`, as coroutine functions (aiosql)."""
    module = importlib.import_module(package)
    return aiosql.from_path(Path(str(module.__file__)).with_name("sql"), "asyncpg")


def place(url: str) -> str:
    """The part of a database address that may be shown: no user, no password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'local socket'}:{parts.port or 5432}{parts.path}"


_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,  # "connection is closed", "pool is closing"
    asyncpg.InternalClientError,  # asked while the server's last words were still coming in
)


def _reason(error: Exception) -> str:
    """Why the server is away, in words for a person."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).rstrip(".") or type(error).__name__


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turn the driver's errors into Saimi's.

    Raises:
        SettingsError: the address is none.
        DatabaseUnavailableError: the server is away; the same call may succeed later.
        SchemaError: a table or column is not there.
        RefusedValueError: a value cannot be stored.
        DatabaseError: anything else the server refuses.
    """
    try:
        yield
    except asyncpg.exceptions.ClientConfigurationError as error:
        raise SettingsError(
            f"The database's address cannot be used ({error}): correct SAIMI_DATABASE_URL."
        ) from error
    except _AWAY as error:
        raise DatabaseUnavailableError(
            f"The database does not answer ({_reason(error)}): start it, or correct "
            "SAIMI_DATABASE_URL."
        ) from error
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise DatabaseAccessError(
            "The database refuses this user or password: correct SAIMI_DATABASE_URL."
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise DatabaseUnavailableError(
            f"There is no such database ({error}): create it, or correct SAIMI_DATABASE_URL."
        ) from error
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        raise SchemaError(
            f"The database lacks what this version needs ({error}): run `saimi db migrate`."
        ) from error
    except asyncpg.DataError as error:
        raise RefusedValueError(
            f"The database cannot hold such a value ({type(error).__name__}); nothing was changed."
        ) from error
    except asyncpg.PostgresError as error:
        # Its details would repeat the row, with a health value, into logs.
        raise DatabaseError(f"The database refused: {error.args[0]}.") from error


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
        )


_SETTINGS = {
    "timezone": "UTC",
    # A machine that vanished leaves its connections, and its locks, to the server: 20 s.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
}


async def connect(url: str) -> asyncpg.Connection:
    """One connection, with JSON columns as Python values.

    Raises:
        DatabaseUnavailableError: the server does not answer or refuses us.
    """
    async with translated():
        connection: asyncpg.Connection = await asyncpg.connect(
            url, timeout=10, server_settings={**_SETTINGS, "application_name": "saimi"}
        )
        await _prepare(connection)
        return connection


async def create_pool(url: str, *, size: int = 8, service: str = "saimi") -> Pool:
    """A pool of up to `size` connections, with JSON columns as Python values.

    Raises:
        DatabaseUnavailableError: the server does not answer or refuses us.
    """
    async with translated():
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            timeout=10,
            init=_prepare,
            server_settings={**_SETTINGS, "application_name": f"saimi-{service}"},
        )


async def wait_for_database(url: str, *, patience: timedelta) -> None:
    """Wait until the database answers, for services that start before it.

    Raises:
        DatabaseUnavailableError: it did not answer within `patience` of wall time.
    """
    deadline = wall_time() + patience
    while True:
        try:
            await (await connect(url)).close()
        except DatabaseUnavailableError:
            if wall_time() >= deadline:
                raise
            await asyncio.sleep(0.25)
        else:
            return


async def server_info(connection: Connection) -> ServerInfo:
    """Which edition this is; the one capability check everything else goes by."""
    row = await load_queries("core").server_info(connection)
    timescaledb: str | None = row["timescaledb"]
    edition: Edition = "plain"
    if timescaledb is not None:
        community = row["license"] == "timescale"
        edition = "timescaledb-community" if community else "timescaledb-apache"
    return ServerInfo(edition, row["postgresql"], timescaledb)


async def read_clock(connection: Connection) -> ScaledClock:
    """The clock all processes share; the real one where none was set."""
    row = await load_queries("core").read_clock(connection)
    if row is None:
        return REAL_CLOCK
    return ScaledClock(row["wall_anchor"], row["anchor"], row["factor"])


async def set_clock(connection: Connection, *, factor: float) -> ScaledClock:
    """Let the shared clock run `factor` times as fast from now on; it never goes back.

    A database that has lived ahead of real time goes on from where it was last used.
    """
    queries = load_queries("core")
    wall = wall_time()
    before = await read_clock(connection)
    lived: datetime | None = await queries.latest_time(connection)
    beat: datetime | None = await queries.latest_beat(connection)
    anchor = max(wall, lived or wall, before.at(beat) if beat is not None else wall)
    await queries.write_clock(connection, wall_anchor=wall, anchor=anchor, factor=factor)
    return ScaledClock(wall, anchor, factor)
