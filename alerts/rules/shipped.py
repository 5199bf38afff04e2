"""The rules in force: what ships with Saimi, or a file of the county's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alerts.rules.checks import check_rules, check_untouched
from alerts.rules.forms import FORMS, Form
from alerts.rules.reading import Source, read_source
from alerts.rules.rule import Behaviour, Level, Rule, RuleError, Rules

__all__ = [
    "FORMS",
    "SHIPPED",
    "Behaviour",
    "Form",
    "Level",
    "Rule",
    "RuleError",
    "Rules",
    "parse_rules",
    "read_rules",
    "shipped_rules",
]

SHIPPED = Path(__file__).with_name("rules.toml")


@cache
def shipped_rules() -> Rules:
    """The rules that ship with Saimi."""
    source = Source(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name)
    rules = read_source(source)
    check_rules(rules, source)
    return rules


def read_rules(path: Path) -> Rules:
    """Read a rule file.

    Raises:
        RuleError: it cannot be read, or a rule is wrong; says which, and on which line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{path} cannot be read as a rule file: {error}.") from error
    return parse_rules(text, name=path.name)


def parse_rules(text: str, *, name: str = "rules.toml") -> Rules:
    """Read rules from the text of a rule file.

    Raises:
        RuleError: a rule is wrong; says which, and on which line.
    """
    source = Source(text, name)
    rules = read_source(source)
    check_rules(rules, source)
    check_untouched(rules, shipped_rules(), source)
    return rules
