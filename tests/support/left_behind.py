"""A Saimi that is killed and leaves its server running."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def leave_behind(statement: str) -> str:
    """Run `statement` in another Python, which prints a line and is then killed with -9.

    Returns the printed line; what the statement started goes on without its parent.
    """
    code = f"{statement}\nimport time\nsys.stdout.flush()\ntime.sleep(600)\n"
    child = subprocess.Popen(
        [sys.executable, "-c", f"import sys\n{code}"],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        return child.stdout.readline().strip()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def runs(pid: int) -> bool:
    """Whether the process runs; one that has ended and whose parent is slow to notice does not."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return told.rpartition(")")[2].split()[0] != "Z"
