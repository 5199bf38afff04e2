"""Services as child processes: started, waited for, started again when they die, stopped in order.

A child says that it is ready over a socket (sd_notify(3)), and ends by itself when its standard
input ends: that happens when this process is gone, even by kill -9.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.errors import EmbeddedError
from saimi.console import say

_READY_S = 60.0
_SHORTEST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 10.0
_STEADY_S = 30.0
"""A service that ran this long and dies is started again without delay."""


class Service:
    """One service as a child process; its standard error goes to the file `<logs>/<name>.log`, or
    where ours goes if there is no folder `logs`.

    `environment` is added to ours, `inherited` are open files the child gets. With `output` its
    standard output is kept for the caller (a report), else it goes to the log as well.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        logs: Path | None,
        environment: Mapping[str, str] | None = None,
        inherited: Sequence[int] = (),
        output: bool = False,
    ) -> None:
        self.name = name
        self.log_file = None if logs is None else logs / f"{name}.log"
        self._command = tuple(command)
        self._environment = dict(environment or {})
        self._inherited = tuple(inherited)
        self._keep_output = output
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._output = b""

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self, *, attempts: int = 1) -> None:
        """Start it and wait until it says that it is ready; from then on it is kept running.

        One that ends before it is ready is started again until `attempts` were made: more than one
        where other parts run already and any of them may just have died.

        Raises:
            EmbeddedError: it ended before it was ready (with its own words), or is too slow.
        """
        self._stopping = False
        pause = _SHORTEST_PAUSE_S
        for left in reversed(range(attempts)):
            process = await self._spawn()
            failure = await self._not_ready(process)
            if failure is None:
                self._watch = asyncio.create_task(self._keep_running(process))
                return
            await self.stop(grace=1.0)
            words = self.last_words() or "it said nothing."
            why = f"The service {self.name} {failure}: {words}"
            if not left:
                raise EmbeddedError(f"{why} The whole log is {self.log_file}.")
            say(f"{why} It is started again.")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            self._stopping = False

    async def start_soon(self) -> None:
        """Start it and keep it running, ready or not."""
        self._stopping = False
        self._watch = asyncio.create_task(self._keep_running(await self._spawn()))

    async def wait_ready(self) -> None:
        """Wait until it says that it is ready, however often it has to be started."""
        await self._ready.wait()

    async def stop(self, grace: float = 20.0) -> bytes:
        """Ask it to end in order, kill it after `grace` seconds; return its kept output."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(grace):
                    await self._ended(process)
            except TimeoutError:
                process.kill()
                await process.wait()
        tasks = [task for task in (self._watch, self._listening) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watch = self._listening = None
        return self._output

    @property
    def _where(self) -> str:
        return "" if self.log_file is None else f"; see {self.log_file}"

    def kill(self) -> None:
        """kill -9, as a fault would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def last_words(self) -> str:
        """The last line of the log: a service's own sentence where it had one."""
        if self.log_file is None:
            return ""
        try:
            lines = self.log_file.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][-500:].removeprefix("saimi: ") if lines else ""

    async def _spawn(self) -> asyncio.subprocess.Process:
        if self._listening is not None:
            self._listening.cancel()
        self._ready.clear()
        folder = tempfile.mkdtemp(prefix="saimi-")  # socket paths have to be short
        path = str(Path(folder) / "ready")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.setblocking(False)
        listener.bind(path)
        log = os.dup(sys.stderr.fileno()) if self.log_file is None else _open_log(self.log_file)
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if self._keep_output else log,
                stderr=log,
                env={**os.environ, **self._environment, "NOTIFY_SOCKET": path},
                pass_fds=self._inherited,
                start_new_session=True,  # Ctrl-C reaches us alone, who stop everything in order
            )
        finally:
            os.close(log)
        self._listening = asyncio.create_task(self._listen(listener, Path(folder)))
        return process

    async def _not_ready(self, process: asyncio.subprocess.Process) -> str | None:
        """What became of it instead of saying that it is ready; None: it has said so."""
        ended = asyncio.ensure_future(process.wait())
        ready = asyncio.ensure_future(self._ready.wait())
        try:
            done, _ = await asyncio.wait(
                (ended, ready), timeout=_READY_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ended.cancel()
            ready.cancel()
        if ready in done:
            return None
        return (
            f"ended (status {process.returncode})" if ended in done else "is not ready after 60 s"
        )

    async def _listen(self, listener: socket.socket, folder: Path) -> None:
        try:
            await asyncio.get_running_loop().sock_recv(listener, 64)
            self._ready.set()
        finally:
            listener.close()
            shutil.rmtree(folder, ignore_errors=True)

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        if process.stdout is not None:
            self._output += await process.stdout.read()
        return await process.wait()

    async def _keep_running(self, process: asyncio.subprocess.Process) -> None:
        pause = _SHORTEST_PAUSE_S
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            status = await process.wait()
            if self._stopping:
                return
            if loop.time() - began > _STEADY_S:
                pause = _SHORTEST_PAUSE_S
            say(f"{self.name} ended (status {status}) and is started again{self._where}.")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            process = await self._spawn()


def saimi_command(name: str, *options: str) -> list[str]:
    """The command line of a service, which ends when we are gone."""
    # -P: the working directory is not searched for modules.
    return [sys.executable, "-P", "-m", "saimi", name, *options, "--watch-stdin"]


def _open_log(path: Path) -> int:
    """The run before is kept beside it: it may say why a service had to be started again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
