"""One server as a direct child process, and the directory it owns.

A server is started in a session of its own, so that Ctrl-C in a terminal reaches only Saimi,
which then stops its servers in order.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, Signals
from typing import IO

from core.errors import EmbeddedError
from saimi.embedded.account import Account

POLL_S = 0.01


class DirectoryLock:
    """An flock on a directory: one Saimi per data directory.

    The kernel lets it go when the process ends, however it ends.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, creating the directory. Raises EmbeddedError if it is held already."""
        if self._descriptor is not None:
            return
        try:
            # Closed to others: readings are in the servers' files.
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise EmbeddedError(
                f"The data directory {self._directory} cannot be used ({error.strerror}); "
                f"choose another with --data-dir."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise EmbeddedError(
                f"Another Saimi is already running on the data directory {self._directory.parent}; "
                f"stop it first, or choose another with --data-dir."
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the lock go; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class ServerProcess:
    """A child process that writes its log to a file and can be waited for from asyncio."""

    def __init__(self, name: str, log_file: Path) -> None:
        self.name = name
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        """Exit status of the process, None while it runs or was never started."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def spawn(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        account: Account | None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start `command` in `directory` under `account`. Raises EmbeddedError if it cannot."""
        with self._open_log() as log:
            try:
                self._process = subprocess.Popen(
                    command,
                    cwd=directory,
                    env=None if environment is None else dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
            except OSError as error:
                raise EmbeddedError(f"{self.name} did not start: {error}.") from error

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Block until `ready()` is true.

        Raises EmbeddedError if the process ends or `timeout` seconds pass before.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise EmbeddedError(
                    f"{self.name} ended while starting (status {self.returncode}); its last words: "
                    f"{self.last_words()!r}. The whole log is {self._log_file}."
                )
            if time.monotonic() > deadline:
                self.signal(SIGKILL)
                raise EmbeddedError(
                    f"{self.name} was not ready within {timeout:.0f} s and was stopped; "
                    f"see its log {self._log_file}."
                )
            time.sleep(POLL_S)

    def signal(self, number: Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, timeout: float) -> bool:
        """Wait for the end of the process; False if it still runs after `timeout` seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, escalation: Sequence[tuple[Signals, float]]) -> None:
        """Send the signals in turn, waiting the given seconds after each, then SIGKILL."""
        for number, patience in escalation:
            self.signal(number)
            if self.wait(patience):
                return
        self.kill()

    def kill(self) -> None:
        """kill -9, and reap."""
        self.signal(SIGKILL)
        self.wait(10.0)

    async def wait_exit(self) -> int:
        """Return the exit status as soon as the process has ended. Reaps it."""
        process = self._process
        if process is None:
            raise EmbeddedError(f"{self.name} was never started.")
        while (status := process.poll()) is None:
            await _descriptor_readable(process.pid)
        return status

    def last_words(self, limit: int = 300) -> str:
        """The end of the log, on one line."""
        try:
            text = self._log_file.read_text(errors="replace")
        except OSError:
            return ""
        return " ".join(text[-limit:].split())

    def _open_log(self) -> IO[bytes]:
        # The log of the run before is kept: it says why a killed server is being started again.
        if self._log_file.exists():
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        descriptor = os.open(self._log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return os.fdopen(descriptor, "wb")


async def _descriptor_readable(pid: int) -> None:
    """Wait for the end of child `pid` without a thread: a pidfd becomes readable then."""
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or an old kernel
        await asyncio.sleep(0.1)
        return
    ended = asyncio.Event()
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
