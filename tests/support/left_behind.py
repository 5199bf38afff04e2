"""A Saimi that is killed and leaves its server running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@contextmanager
def left_behind(statement: str) -> Iterator[int]:
    """Run `statement`, which prints the pid of what it starts, in a Python that is then killed -9.

    Yields that pid; whatever the test did not end is ended.
    """
    code = f"import sys, time\n{statement}\nsys.stdout.flush()\ntime.sleep(600)\n"
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        pid = int(child.stdout.readline())
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    try:
        yield pid
    finally:
        if runs(pid):
            os.kill(pid, signal.SIGKILL)


def runs(pid: int) -> bool:
    """Whether the process runs; one that has ended and whose parent is slow to notice does not."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return told.rpartition(")")[2].split()[0] != "Z"
