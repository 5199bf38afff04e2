"""The county's rules in force, as this process reads them."""

from __future__ import annotations

from functools import cache

from alerts.rules.file import RuleFile
from alerts.rules.rule import Rules
from core.settings import load_settings


def county_rules() -> Rules:
    """Those of SAIMI_RULES_FILE as it is now, or those that ship."""
    file = _file()
    file.look()
    return file.rules


@cache
def _file() -> RuleFile:
    return RuleFile(load_settings().rules_file)
