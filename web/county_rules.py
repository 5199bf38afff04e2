"""The county's rules in force, as the engine goes by them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from alerts.rules.file import RuleFile
from alerts.rules.in_force import Decided, read_decided
from alerts.rules.rule import RuleError, Rules
from alerts.rules.shipped import shipped_rules
from core.database import Connection
from core.settings import load_settings


@dataclass(frozen=True)
class CountyRules:
    """Rules, and where they are from."""

    rules: Rules
    decided: Decided | None = None
    """What the desk accepted last."""
    file: str | None = None
    """The operators' file, which goes before it."""
    error: str | None = None
    """Why what was accepted last, or the file, cannot be used: older rules stay in force."""


async def read_county_rules(connection: Connection) -> CountyRules:
    """The rules in force now, as this process reads them."""
    decided = await read_decided(connection)
    path = load_settings().rules_file
    if path is not None:
        file = _file()
        file.look()
        return CountyRules(file.rules, decided, path.name, file.error)
    if decided is None:
        return CountyRules(shipped_rules())
    try:
        return CountyRules(decided.rules, decided)
    except RuleError as error:
        return CountyRules(shipped_rules(), decided, error=str(error))


@cache
def _file() -> RuleFile:
    return RuleFile(load_settings().rules_file)
