"""A fresh database per test on a server that lives for the whole run.

A template is migrated once per server; a copy of it takes a few hundredths of a second.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from core.migrate import migrate
from saimi.embedded.installation import Installation, find_installations
from saimi.embedded.postgres import PostgresServer
from tests.support.chroot import ChrootInstallation, data_folder, find_chroot
from tests.support.parts import missing

T = TypeVar("T")
EXTERNAL_URL = os.environ.get("SAIMI_TEST_DATABASE_URL")
# The editions that tests of the database run on; `external` is somebody's server (see
# CONTRIBUTING), often the Community edition that cannot be installed here.
EDITIONS = ("plain", "timescaledb", *(("external",) if EXTERNAL_URL else ()))
# A server that is only ever stopped in order loses nothing by this, and tests of what survives a
# crash have servers of their own. A database's end is a checkpoint, a second on a busy disk.
_UNHURT: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}

_MEMORY = Path("/dev/shm")
_ROOM = 4 * 1024**3


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a thread with a loop of its own: fixtures stay out of the test's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Databases:
    """Databases made and dropped on one server, reached through its administrator's URL."""

    def __init__(self, edition: str, url: str) -> None:
        self.edition = edition
        self._url = url
        self._template: str | None = None
        self._template_is_free = True
        self._made: set[str] = set()

    def create(self, *, migrated: bool = True) -> str:
        """Make a database, with Saimi's schema unless `migrated` is False; return its URL."""
        return run(self._create(migrated))

    def drop(self, url: str) -> None:
        """Drop a database of ours, ending whatever is connected to it."""
        run(self._drop(urlsplit(url).path.lstrip("/")))

    def drop_all(self) -> None:
        """Drop every database made here and not dropped yet, the template too."""
        for name in list(self._made):
            run(self._drop(name))

    def url_of(self, name: str) -> str:
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))

    async def _create(self, migrated: bool) -> str:
        if not migrated:
            return self.url_of(await self._new("saimi_test"))
        if self._template is None:
            self._template = await self._make_template()
        if self._template_is_free:
            try:
                return self.url_of(await self._new("saimi_test", self._template))
            except asyncpg.ObjectInUseError:
                # A worker is connected to it that only an administrator may end. The server has
                # waited 5 s for that, so this is not tried again.
                self._template_is_free = False
        url = self.url_of(await self._new("saimi_test"))
        await migrate(url)
        return url

    async def _make_template(self) -> str:
        template = await self._new("saimi_template")
        await migrate(self.url_of(template))
        # Nobody may be connected to a template while it is copied; TimescaleDB's background
        # workers stay away from a database that takes no connections.
        await self._administer(f"ALTER DATABASE {template} WITH ALLOW_CONNECTIONS false")
        with suppress(asyncpg.InsufficientPrivilegeError):
            await self._administer(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{template}'"
            )
        return template

    async def _new(self, prefix: str, template: str | None = None) -> str:
        name = f"{prefix}_{uuid.uuid4().hex[:12]}"
        await self._administer(
            f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else "")
        )
        self._made.add(name)
        return name

    async def _drop(self, name: str) -> None:
        await self._administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._made.discard(name)

    async def _administer(self, *statements: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def databases(edition: str, folder: Path) -> Iterator[Databases]:
    """Start the server of an edition (or reach the external one) and stop it at the end.

    Its files are in memory where the machine has room, else in `folder`; those of a TimescaleDB
    that runs in a folder of its own stay there.

    Skips the test where the edition is not to be had on this machine.
    """
    if edition == "external":
        assert EXTERNAL_URL is not None
        yield from _serve(edition, EXTERNAL_URL)
        return
    with _in_memory(folder) as quick, postgres_server(edition, quick, _UNHURT) as server:
        yield from _serve(edition, server.url)


@contextmanager
def _in_memory(folder: Path) -> Iterator[Path]:
    """A folder in memory that is removed afterwards, or `folder` where there is none to be had.

    A database is a thousand small files, and on a disk the system spends most of the time on them.
    """
    if not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="saimi-tests-", dir=_MEMORY) as made:
        yield Path(made)


def _serve(edition: str, url: str) -> Iterator[Databases]:
    made = Databases(edition, url)
    try:
        yield made
    finally:
        made.drop_all()


@contextmanager
def postgres_server(
    edition: str, folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """A server of its own, for tests that kill and restart it; edition `plain` or `timescaledb`."""
    with ExitStack() as stack:
        installation = _installation(edition)
        if isinstance(installation, ChrootInstallation):
            directory = stack.enter_context(data_folder(installation, "postgres"))
        else:
            directory = folder / "postgres"
        server = PostgresServer(directory, installation=installation, settings=settings)
        yield stack.enter_context(server)


def _installation(edition: str) -> Installation:
    if edition == "plain":
        return plain_installation()
    for machine in find_installations():
        if machine.timescaledb:  # the machine's own, which needs neither root nor the folder
            return machine
    return find_chroot()


def plain_installation() -> Installation:
    """PostgreSQL as `make demo` finds it on a machine that has none: the wheel's."""
    for one in find_installations():
        if not one.timescaledb and "site-packages" in one.programs.parts:
            return one
    missing("PostgreSQL (pip install 'saimi[embedded]')")
