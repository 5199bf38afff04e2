"""By which rules alerts are made: a file's, what the desk has accepted, or what ships.

Where SAIMI_RULES_FILE names a file it goes before what was decided at the desk: it is the
operators' way out, and the desk is told so. Without one, what was accepted last is in force, and
the rules that ship where nothing ever was.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from alerts.rules.file import RuleFile
from alerts.rules.rule import RuleError, Rules
from alerts.rules.shipped import SHIPPED, parse_rules
from core.database import Connection, load_queries

_log = structlog.get_logger()
_queries = load_queries("alerts")


class Decided(NamedTuple):
    """What the desk accepted last."""

    proposal: int
    text: str
    """The rule file."""

    @property
    def name(self) -> str:
        """As errors and reports call it."""
        return f"proposal {self.proposal}"

    @property
    def rules(self) -> Rules:
        """Its rules.

        Raises:
            RuleError: this version cannot use them; says why.
        """
        return decided_rules(self.text, self.name)


@lru_cache(maxsize=8)
def decided_rules(text: str, name: str) -> Rules:
    """The rules of a file that is kept in the database.

    Raises:
        RuleError: this version cannot use them; says why.
    """
    return parse_rules(text, name=name)


async def read_decided(connection: Connection) -> Decided | None:
    """What the desk accepted last; None: nothing ever."""
    row = await _queries.rules_decided(connection, known=None)
    return None if row is None else Decided(row["proposal"], row["rules"])


def shipped_text() -> str:
    """The rule file that ships."""
    return SHIPPED.read_text(encoding="utf-8")


class InForce:
    """The rules in force, looked at again and again by the engine."""

    def __init__(self, path: Path | None, *, rules: Rules | None = None) -> None:
        self._file = RuleFile(path, rules=rules)
        self._named = path is not None
        self._decided: Decided | None = None
        self._error: str | None = None
        self.rules = self._file.rules

    async def look(self, connection: Connection) -> None:
        """Have `rules` be those in force now. What cannot be used leaves them as they were."""
        if self._named:
            self._file.look()
            self.rules = self._file.rules
            return
        known = None if self._decided is None else self._decided.proposal
        row = await _queries.rules_decided(connection, known=known)
        if row is None or row["proposal"] == known:
            return
        self._decided = decided = Decided(row["proposal"], row["rules"])
        try:
            self.rules = decided.rules
        except RuleError as error:
            self._error = str(error)
            _log.error("accepted rules are not in force", why=self._error)
            return
        self._error = None
        _log.info("other rules are in force", proposal=decided.proposal)

    def told(self) -> dict[str, Any]:
        """What goes with a worker's sign of life; {}: the rules that ship."""
        if self._named:
            return self._file.told()
        if self._decided is None:
            return {}
        told: dict[str, Any] = {
            "rule_proposal": self._decided.proposal,
            "rule_digest": hashlib.sha256(self._decided.text.encode()).hexdigest()[:12],
        }
        return told if self._error is None else told | {"rule_error": self._error}
