"""The embedded PostgreSQL: a direct child process on 127.0.0.1, made on first use.

    <data-dir>/postgres/        locked while a Saimi runs on it
        data/                   the cluster, PostgreSQL's own
        password                of its only login, readable by us alone
        postgres.log

Every call blocks (a start takes about half a second, the first one two to three); from asyncio
use `asyncio.to_thread`. After a kill of Saimi itself the server runs on without it; the next
start finds it by the directory it works in and stops it properly first.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from core.errors import EmbeddedError
from saimi.embedded.account import Account, require_ours
from saimi.embedded.installation import Installation, choose
from saimi.embedded.orphans import stop_orphans
from saimi.embedded.ports import LOOPBACK, free_port, require_free
from saimi.embedded.process import DirectoryLock, ServerProcess

_USER = "saimi"
_DATABASE = "saimi"
_WORD = b"postgres"
# Crash recovery after a kill replays at most max_wal_size, minutes on a slow disk.
_START_TIMEOUT_S = 180.0
# Fast shutdown with its checkpoint, then immediate shutdown (recovery at the next start).
_STOP = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    # What a receipt names must survive a power cut. Both are the default, and said again so that
    # nobody's edited postgresql.conf takes them away.
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # DETAIL lines quote rows, and rows are about people's health.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# The only way in; see pg_hba.conf in PostgreSQL's documentation.
_HOST_RULE = f"host all all {LOOPBACK}/32 scram-sha-256\n"
_TIMESCALEDB_SETTINGS: Mapping[str, str] = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
}


class PostgresServer:
    """A PostgreSQL whose files are in `directory`; `port` None takes a free one at every start.

    `installation` None chooses one (see `installation.choose`); `settings` are further server
    settings by their PostgreSQL names.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        installation: Installation | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._directory = directory.resolve()
        self._cluster = self._directory / "data"
        self._fixed_port = port
        self._port = port
        self._given_installation = installation
        self._installation: Installation | None = installation
        self._settings = dict(settings or {})
        self._lock = DirectoryLock(self._directory)
        self._process = ServerProcess("PostgreSQL", self._directory / "postgres.log")

    # -- what others connect to

    @property
    def url(self) -> str:
        """`postgresql://user:password@host:port/database` of the running server; keep it secret."""
        return f"postgresql://{_USER}:{self._password()}@{LOOPBACK}:{self.port}/{_DATABASE}"

    @property
    def port(self) -> int:
        if self._port is None:
            raise EmbeddedError("PostgreSQL was not started, so it has no port yet.")
        return self._port

    @property
    def pid(self) -> int | None:
        """Process id of the postmaster, None when it was never started."""
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def installation(self) -> Installation:
        """The programs in use; known once started."""
        if self._installation is None:
            raise EmbeddedError("PostgreSQL was not started, so its programs are not chosen yet.")
        return self._installation

    # -- its life

    def start(self) -> Self:
        """Start the server, making the cluster on first use; return when it takes connections.

        Raises EmbeddedError: directory in use, made by another major version, port taken, no
        PostgreSQL to be found, or it does not start. Nothing is changed in those cases.
        """
        if self.running:
            return self
        self._lock.acquire()
        try:
            require_ours(self._cluster)
            stop_orphans(self._cluster, _WORD, signal.SIGINT, first=self._postmaster_pid())
            installation = self._given_installation or choose(self._existing_major())
            self._installation = installation
            account = installation.account(self._cluster)
            if self._port is not None:
                require_free(self._port, "PostgreSQL")
            if not self._cluster.exists():
                self._create(installation, account)
            self._launch(installation, account)
        except BaseException:
            self._process.kill()
            self._lock.release()
            raise
        return self

    def stop(self) -> None:
        """Stop it in order: connections are ended, everything is on disk. Harmless when stopped."""
        try:
            self._process.stop(_STOP)
        finally:
            self._lock.release()
            self._port = self._fixed_port

    def kill(self) -> None:
        """kill -9 of the postmaster, as a fault would; `restart` brings it back."""
        self._process.kill()

    def restart(self) -> Self:
        """Start it again on the same port and data, whether it runs, was stopped or was killed."""
        port = self._port
        self._process.stop(_STOP)
        self._port = port
        return self.start()

    async def wait_exit(self) -> int:
        """Return the exit status once the server has ended, for a supervisor to act upon."""
        return await self._process.wait_exit()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # -- inside

    def _launch(self, installation: Installation, account: Account | None) -> None:
        for attempt in range(3):
            port = self._port if self._port is not None else free_port()
            settings = dict(_SETTINGS)
            if installation.timescaledb:
                settings |= _TIMESCALEDB_SETTINGS
            settings |= {"port": str(port)} | self._settings
            command = installation.command("postgres", account)
            command += ["-D", installation.inside(self._cluster)]
            for name, value in settings.items():
                command += ["-c", f"{name}={value}"]
            self._process.spawn(
                command,
                directory=self._cluster,
                account=installation.launched_as(account),
                environment=_environment(),
            )
            try:
                self._process.wait_until(self._ready, _START_TIMEOUT_S)
            except EmbeddedError:
                # Between looking for a free port and taking it somebody else may have been faster.
                taken = "Address already in use" in self._process.last_words(2000)
                if taken and self._port is None and attempt < 2:
                    continue
                raise
            self._port = port
            return

    def _ready(self) -> bool:
        lines = self._pid_file_lines()
        return (
            len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"
        )

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _postmaster_pid(self) -> int | None:
        lines = self._pid_file_lines()
        return int(lines[0]) if lines and lines[0].isdigit() else None

    def _existing_major(self) -> int | None:
        if not self._cluster.exists():
            return None
        try:
            return int((self._cluster / "PG_VERSION").read_text().split(".")[0])
        except (OSError, ValueError) as error:
            raise EmbeddedError(
                f"{self._cluster} is there but holds no PostgreSQL data; nothing was changed. Move "
                f"it away, or choose another --data-dir."
            ) from error

    def _password(self) -> str:
        try:
            return (self._directory / "password").read_text().strip()
        except OSError as error:
            raise EmbeddedError(
                f"The database password cannot be read from {self._directory / 'password'} "
                f"({error.strerror}); restore that file from a backup."
            ) from error

    def _create(self, installation: Installation, account: Account | None) -> None:
        """initdb in a scratch directory, renamed when complete: a kill leaves nothing half made."""
        scratch = self._directory / "data.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        if account is not None:
            os.chown(scratch, account.uid, account.gid)
        inside, launched_as = installation.inside(scratch), installation.launched_as(account)
        # "trust" only lets initdb go on without a password file; the server has not run when the
        # rule and the password take its place.
        initdb = [*installation.command("initdb", account), "-D", inside, "-U", _USER]
        initdb += ["--auth=trust", "--encoding=UTF8", "--data-checksums"]
        _run([*initdb, *_locale(installation.major)], scratch, launched_as, "")
        (scratch / "pg_hba.conf").write_text(_HOST_RULE)
        password = secrets.token_urlsafe(24)
        single = [*installation.command("postgres", account), "--single", "-D", inside]
        single += ["-c", "password_encryption=scram-sha-256", "-c", "log_min_messages=warning"]
        statements = f"ALTER USER {_USER} PASSWORD '{password}';\nCREATE DATABASE {_DATABASE};\n"
        _run([*single, "postgres"], scratch, launched_as, statements)
        _write_private(self._directory / "password", password)
        scratch.rename(self._cluster)


def _locale(major: int) -> list[str]:
    # Sorting by code point does not depend on the machine's C library, whose updates silently
    # break indexes. Names are sorted for people in their own language where they are shown.
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C"]


def _environment() -> dict[str, str]:
    # Not our own environment: PGPORT, PGOPTIONS and the like would change the server, and
    # secrets in it are none of its business.
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _run(command: list[str], directory: Path, account: Account | None, text: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=_environment(),
            input=text,
            text=True,
            capture_output=True,
            timeout=120,
            check=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except subprocess.CalledProcessError as error:
        words = " ".join(str(error.stderr).split())[-300:]
        raise EmbeddedError(
            f"A new database could not be made in {directory.parent}: {words!r}; check that there "
            f"is room on the disk, or choose another --data-dir."
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedError(
            f"A new database could not be made in {directory.parent}: {error}."
        ) from error
    if "ERROR:" in done.stderr:  # single-user mode goes on after a failed statement
        raise EmbeddedError(
            f"A new database could not be made in {directory.parent}: {done.stderr[-300:]!r}."
        )


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
