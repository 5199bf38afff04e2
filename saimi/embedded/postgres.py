"""The embedded PostgreSQL: a direct child process on 127.0.0.1, made on first use.

    <data-dir>/postgres/        locked while a Saimi runs on it
        data/                   the cluster, PostgreSQL's own
        password                of its only login, readable by us alone
        postgres.log

A start takes some hundredths of a second, the first one with its initdb half a second. After a
kill of Saimi itself the server runs on without it; the next start finds it by the directory it
works in and stops it properly first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from signal import SIGINT, SIGQUIT

from core.errors import EmbeddedError
from saimi.embedded.account import Account, require_ours
from saimi.embedded.cluster import DATABASE, USER, create_cluster, server_environment
from saimi.embedded.installation import Installation, choose
from saimi.embedded.orphans import stop_orphans
from saimi.embedded.ports import LOOPBACK, free_port, require_free
from saimi.embedded.server import EmbeddedServer

_WORD = b"postgres"
# Crash recovery after a kill replays at most max_wal_size, minutes on a slow disk.
_START_TIMEOUT_S = 180.0
_ATTEMPTS = 3

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
_TIMESCALEDB_SETTINGS: Mapping[str, str] = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
}


class PostgresServer(EmbeddedServer):
    """A PostgreSQL whose files are in `directory`; `port` None takes a free one at every start.

    `installation` None chooses one (see `installation.choose`); `settings` are further server
    settings by their PostgreSQL names.
    """

    name = "PostgreSQL"
    # Fast shutdown with its checkpoint, then immediate shutdown (recovery at the next start).
    _stop_signals = ((SIGINT, 60.0), (SIGQUIT, 10.0))

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        installation: Installation | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory, port=port, log_name="postgres.log")
        self._cluster = self._directory / "data"
        self._password_file = self._directory / "password"
        self._installation = installation
        self._settings = dict(settings or {})

    @property
    def url(self) -> str:
        """`postgresql://user:password@host:port/database` of the running server; keep it secret."""
        return f"postgresql://{USER}:{self._password()}@{LOOPBACK}:{self.port}/{DATABASE}"

    def _launch(self) -> int:
        require_ours(self._cluster)
        stop_orphans(self._cluster, _WORD, SIGINT, first=self._postmaster_pid())
        installation = self._installation or choose(self._existing_major())
        account = installation.account(self._cluster)
        if self._port is not None:
            require_free(self._port, self.name)
        if not self._cluster.exists():
            create_cluster(self._cluster, self._password_file, installation, account)
        command = installation.command("postgres", account)
        command += ["-D", installation.inside(self._cluster)]
        return self._spawn(command, installation, account)

    def _spawn(
        self, command: list[str], installation: Installation, account: Account | None
    ) -> int:
        for attempt in range(_ATTEMPTS):
            port = self._port if self._port is not None else free_port()
            self._process.spawn(
                [*command, *self._options(installation, port)],
                directory=self._cluster,
                account=installation.launched_as(account),
                environment=server_environment(),
            )
            try:
                self._process.wait_until(self._ready, _START_TIMEOUT_S)
            except EmbeddedError:
                # Between looking for a free port and taking it somebody else may have been faster.
                taken = "Address already in use" in self._process.last_words(2000)
                if taken and self._port is None and attempt < _ATTEMPTS - 1:
                    continue
                raise
            return port
        raise AssertionError("the last attempt returns or raises")

    def _options(self, installation: Installation, port: int) -> list[str]:
        settings = {**_SETTINGS, "port": str(port)}
        if installation.timescaledb:
            settings |= _TIMESCALEDB_SETTINGS
        settings |= self._settings
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

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
            return self._password_file.read_text().strip()
        except OSError as error:
            raise EmbeddedError(
                f"The database password cannot be read from {self._password_file} "
                f"({error.strerror}); restore that file from a backup."
            ) from error
