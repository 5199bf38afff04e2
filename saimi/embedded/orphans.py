"""Servers an earlier, killed Saimi left running.

A server of ours works in its own directory (see `account`), and that directory is locked by the
Saimi that runs it. Whoever holds the lock and still finds a server process at work there has
found an orphan. Linux only: elsewhere the server's own lock file refuses the second start.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from core.errors import EmbeddedError

_PROC = Path("/proc")


def processes_in(directory: Path, word: bytes) -> list[int]:
    """Return the pids that work in `directory` and whose name or command line contains `word`."""
    wanted = directory.resolve()
    found = []
    for entry in _PROC.glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() != wanted:
                continue
            told = (entry / "comm").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:  # gone meanwhile, or another user's
            continue
        if word in told:
            found.append(int(entry.name))
    return found


def stop_orphans(
    directory: Path, word: bytes, number: signal.Signals, *, first: int | None = None
) -> bool:
    """Stop what `processes_in` finds and wait until all of it is gone; True if there was any.

    `first` is the pid to signal when a server has helpers that end by themselves with it.
    Raises EmbeddedError if a process survives even SIGKILL for 10 s.
    """
    left = processes_in(directory, word)
    if not left:
        return False
    _send([first] if first in left else left, number)
    if not wait_gone(directory, word, 30.0):
        _send(processes_in(directory, word), signal.SIGKILL)
        if not wait_gone(directory, word, 10.0):
            raise EmbeddedError(
                f"A server left behind in {directory} by an earlier run does not stop (process "
                f"{processes_in(directory, word)}); end it by hand, then start Saimi again."
            )
    return True


def wait_gone(directory: Path, word: bytes, timeout: float) -> bool:
    """Wait until no such process is left; False after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while processes_in(directory, word):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
