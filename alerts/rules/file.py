"""The rule file in force: read at start, and again when it changes, without a restart.

A file with an error changes nothing: the rules that were in force stay, those that ship where there
were none yet, and what is wrong is said in the log, with the worker's sign of life and by `saimi
doctor`, until the file is mended.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import structlog

from alerts.rules.rule import RuleError, Rules
from alerts.rules.shipped import read_rules, shipped_rules

_log = structlog.get_logger()


class RuleFile:
    """The rules of a file, or those that ship where there is none."""

    def __init__(self, path: Path | None, *, rules: Rules | None = None) -> None:
        self._path = path
        self._mark: tuple[int, int, int] | None = None
        self._digest = ""
        self.error: str | None = None
        """What is wrong with the file as it is now; None: it is in force."""
        self.rules = rules or shipped_rules()
        self.look()

    def look(self) -> bool:
        """Read the file again if it changed; whether other rules are in force since."""
        if self._path is None:
            return False
        try:
            found = self._path.stat()
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            mark = (-1, 0, 0)
        if mark == self._mark:
            return False
        self._mark = mark
        try:
            rules = read_rules(self._path)
        except RuleError as error:
            self.error = str(error)
            _log.error("rule file is not in force", why=self.error)
            return False
        self.error = None
        self._digest = hashlib.sha256(self._path.read_bytes()).hexdigest()[:12]
        if rules == self.rules:
            return False
        self.rules = rules
        _log.info("other rules are in force", file=self._path.name, digest=self._digest)
        return True

    def told(self) -> dict[str, Any]:
        """What goes with a worker's sign of life; {}: the rules that ship."""
        if self._path is None:
            return {}
        told: dict[str, Any] = {"rule_file": str(self._path), "rule_digest": self._digest}
        return told if self.error is None else told | {"rule_error": self.error}
