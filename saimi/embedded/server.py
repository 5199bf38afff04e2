"""The life of an embedded server, the same for the database and the broker."""

from __future__ import annotations

import abc
import threading
from collections.abc import Sequence
from pathlib import Path
from signal import Signals
from types import TracebackType
from typing import ClassVar, Self

from core.errors import EmbeddedError
from saimi.embedded.process import DirectoryLock, ServerProcess


class EmbeddedServer(abc.ABC):
    """A server whose files are in `directory`; `port` None takes a free one at every start.

    Calls block; from asyncio use `asyncio.to_thread`. They may come from several threads: a
    supervisor's `restart` and the end of the program do not get in each other's way.
    """

    name: ClassVar[str]
    # Signals to stop it with, each with the seconds it gets; SIGKILL comes after the last.
    _stop_signals: ClassVar[Sequence[tuple[Signals, float]]]

    def __init__(self, directory: Path, *, port: int | None, log_name: str) -> None:
        self._directory = directory.resolve()
        self._fixed_port = port
        self._port = port
        self._wanted = False
        self._mutex = threading.RLock()
        self._lock = DirectoryLock(self._directory)
        self._process = ServerProcess(self.name, self._directory / log_name)

    @property
    def port(self) -> int:
        if self._port is None:
            raise EmbeddedError(f"{self.name} was not started, so it has no port yet.")
        return self._port

    @property
    def pid(self) -> int | None:
        """Process id, None when it was never started."""
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> Self:
        """Start the server; return when it takes connections. Does nothing when it runs.

        Raises EmbeddedError: the directory is in use or another user's, the port is taken, there
        is no such program, or it does not start.
        """
        with self._mutex:
            if not self.running:
                self._start()
            self._wanted = True
        return self

    def stop(self) -> None:
        """Stop it in order, so that everything it can keep is on disk. Harmless when stopped."""
        with self._mutex:
            self._wanted = False
            try:
                self._process.stop(self._stop_signals)
            finally:
                self._lock.release()
                self._port = self._fixed_port

    def kill(self) -> None:
        """kill -9, as a fault would; `restart` brings it back."""
        self._process.kill()

    def restart(self) -> Self:
        """Start it again on the same port and files, whether it runs or was killed.

        Raises EmbeddedError as `start` does, and after `stop`: then nobody wants it any more.
        """
        with self._mutex:
            if not self._wanted:
                raise EmbeddedError(f"{self.name} was stopped; start it anew instead.")
            self._process.stop(self._stop_signals)
            self._start()
        return self

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

    def _start(self) -> None:
        self._lock.acquire()
        try:
            self._port = self._launch()
        except BaseException:
            self._process.kill()
            self._lock.release()
            raise

    @abc.abstractmethod
    def _launch(self) -> int:
        """Bring the process up in the locked directory; return its port."""
