"""The embedded PostgreSQL against kill -9, second starts, wrong versions and taken ports."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from core.errors import EmbeddedError
from saimi.embedded import installation as installations
from saimi.embedded.installation import Installation
from saimi.embedded.postgres import PostgresServer
from tests.support.databases import plain_installation
from tests.support.left_behind import left_behind, runs
from tests.support.waiting import DEADLINE_S

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about running as root")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path / "postgres", installation=plain_installation()) as running:
        yield running


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_only_its_password_opens_it_and_only_on_loopback(server: PostgresServer) -> None:
    url = urlsplit(server.url)
    wrong = urlunsplit(url._replace(netloc=f"saimi:wrong@127.0.0.1:{server.port}"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(wrong, "SELECT 1")
    assert await ask(server.url, "SHOW listen_addresses") == "127.0.0.1"
    assert await ask(server.url, "SHOW unix_socket_directories") == ""
    assert await ask(server.url, "SELECT count(*) FROM pg_hba_file_rules") == 1


async def test_what_matters_for_data_is_on(server: PostgresServer) -> None:
    expected = {"fsync": "on", "synchronous_commit": "on", "data_checksums": "on"}
    expected |= {"full_page_writes": "on", "TimeZone": "UTC", "server_encoding": "UTF8"}
    found = {name: await ask(server.url, f"SHOW {name}") for name in expected}
    assert found == expected


def test_the_password_is_ours_alone(server: PostgresServer, tmp_path: Path) -> None:
    password = tmp_path / "postgres" / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    command_line = Path(f"/proc/{server.pid}/cmdline").read_bytes()
    assert password.read_bytes() not in command_line


@pytest.mark.parametrize("edition", ["plain", "timescaledb"])
async def test_what_was_committed_survives_kill_9(
    edition: str, postgres_factory: Callable[..., PostgresServer]
) -> None:
    server = postgres_factory(edition)
    url, pid = server.url, server.pid
    await ask(url, "CREATE TABLE kept (n int)")
    await ask(url, "INSERT INTO kept SELECT generate_series(1, 1000)")
    ended = asyncio.create_task(server.wait_exit())
    await asyncio.sleep(0)
    server.kill()
    assert await asyncio.wait_for(ended, DEADLINE_S) == -9
    server.restart()
    assert server.pid != pid
    assert server.url == url, "clients find it again at the same address"
    assert await ask(url, "SELECT count(*) FROM kept") == 1000


async def test_restart_and_second_start_keep_the_data(server: PostgresServer) -> None:
    await ask(server.url, "CREATE TABLE kept (n int)")
    server.restart()
    server.stop()
    assert not server.running
    server.start()
    assert await ask(server.url, "SELECT count(*) FROM kept") == 0


async def test_a_server_left_behind_by_a_killed_saimi_is_stopped(tmp_path: Path) -> None:
    statement = (
        "from pathlib import Path\n"
        "from saimi.embedded.postgres import PostgresServer\n"
        "from tests.support.databases import plain_installation\n"
        f"directory = Path({str(tmp_path / 'postgres')!r})\n"
        "print(PostgresServer(directory, installation=plain_installation()).start().pid)"
    )
    with (
        left_behind(statement) as pid,
        PostgresServer(tmp_path / "postgres", installation=plain_installation()) as server,
    ):
        assert await ask(server.url, "SELECT 1") == 1
        assert not runs(pid)


async def test_a_directory_in_use_is_refused(server: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="already running on the data directory"):
        PostgresServer(tmp_path / "postgres").start()
    assert await ask(server.url, "SELECT 1") == 1


def test_data_of_another_major_version_stay_as_they_are(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres" / "data"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 9, .*nothing was changed"):
        PostgresServer(tmp_path / "postgres").start()
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"cannot listen on 127.0.0.1:{port}"):
            PostgresServer(tmp_path / "postgres", port=port).start()
    assert not (tmp_path / "postgres" / "data").exists()


def test_another_users_directory_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(EmbeddedError, match="belongs to user"):
        PostgresServer(tmp_path / "postgres").start()


async def test_an_interrupted_first_start_is_made_good(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with PostgresServer(tmp_path / "postgres", installation=plain_installation()) as server:
        assert await ask(server.url, "SELECT 1") == 1


def test_nothing_runs_after_stop(server: PostgresServer) -> None:
    pid = server.pid
    assert pid is not None
    server.stop()
    assert not runs(pid)
    server.stop()  # twice is harmless


@needs_root
async def test_root_runs_it_as_somebody_else_without_opening_its_folders(
    server: PostgresServer, tmp_path: Path
) -> None:
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert await ask(server.url, "SELECT 1") == 1


@needs_root
async def test_programs_that_the_account_cannot_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = plain_installation().programs
    package = programs.parent.parent
    hidden = tmp_path / "hidden" / package.name / programs.parent.name
    shutil.copytree(programs.parent, hidden, symlinks=True)
    shutil.copytree(
        package.with_name(f"{package.name}.libs"), tmp_path / "hidden" / f"{package.name}.libs"
    )
    shared = Path(tempfile.mkdtemp(prefix="saimi-test-"))
    try:
        monkeypatch.setattr(installations, "_SHARED_COPY", shared)
        unreachable = Installation(hidden / "bin", plain_installation().major, timescaledb=False)
        with PostgresServer(tmp_path / "postgres", installation=unreachable) as server:
            assert await ask(server.url, "SELECT 1") == 1
            running = Path(f"/proc/{server.pid}/exe").readlink()
            assert running.is_relative_to(shared)
    finally:
        shutil.rmtree(shared)
