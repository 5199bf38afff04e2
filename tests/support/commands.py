"""Running `saimi` as a person would, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """The last line of standard output, from JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


def saimi_environment(**settings: str) -> dict[str, str]:
    """Our environment without anybody's SAIMI_ settings, and with these instead."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAIMI_")}
    return {**kept, **settings}


def saimi(
    *arguments: str | Path,
    settings: Mapping[str, str] | None = None,
    text: str | None = None,
    cwd: Path | None = None,
    within: float = 120.0,
) -> Outcome:
    """Run a command to its end; `settings` are environment variables, `text` its input."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "saimi", *map(str, arguments)],
        env=saimi_environment(**(settings or {})),
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        timeout=within,
        cwd=cwd,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
