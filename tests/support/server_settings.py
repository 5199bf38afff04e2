"""Settings of a server from a file in the form of postgresql.conf."""

from __future__ import annotations

import os
import re
from pathlib import Path

_LINE = re.compile(r"(?P<name>[\w.]+)\s*=\s*(?:'(?P<quoted>[^']*)'|(?P<plain>[^\s#']+))\s*(?:#.*)?")
_GB = 1 << 30


def read_settings(path: Path) -> dict[str, str]:
    """By name; `shared_buffers` no more than a quarter of this machine's memory.

    Raises:
        ValueError: a line that is not `name = value`.
    """
    settings = {}
    for line in path.read_text().splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise ValueError(f"{path}: {line!r} is no setting")
        settings[found["name"]] = found["plain"] if found["quoted"] is None else found["quoted"]
    wanted, memory = settings.get("shared_buffers", ""), _memory()
    if wanted.endswith("GB") and int(wanted.removesuffix("GB")) * _GB > memory // 4:
        settings["shared_buffers"] = f"{memory // 4 // 1024}kB"
    return settings


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
