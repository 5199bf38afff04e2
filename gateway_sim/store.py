"""SQLite files of the simulator: opened, named queries, transactions, errors in one sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import aiosql

from core.errors import SaimiError


class StoreError(SaimiError):
    """A file of the simulator cannot be read or written."""


@cache
def queries(name: str) -> Any:
    """The named queries of `sql/<name>.sql`; each takes the connection first."""
    path = Path(__file__).with_name("sql") / f"{name}.sql"
    # Rows of many thousands are handed over by position, which has no parameter names to list.
    return aiosql.from_path(path, "sqlite3", mandatory_parameters=False)


def open_file(path: Path, *, exclusive: bool, durable: bool) -> sqlite3.Connection:
    """Open or create a SQLite file in WAL mode, with transactions by hand.

    Args:
        exclusive: nobody else may open it while it is open here.
        durable: a commit survives a power cut, not only the end of the process.

    Raises:
        StoreError: it cannot be opened, is in use, or is no SQLite file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, timeout=1.0 if exclusive else 5.0)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path} cannot be opened: {error}.") from error
    try:
        if exclusive:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        if exclusive:  # the lock is taken with the first write
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.close()
        if "locked" in str(error):
            raise StoreError(
                f"{path} is in use by another simulator: stop it, or choose another directory."
            ) from error
        raise StoreError(f"{path} cannot be used: {error}.") from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing.

    Raises:
        StoreError: the disk is full, or the file was damaged or taken away.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"The simulator's file cannot be written: {error}.") from error
