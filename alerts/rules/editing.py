"""The rule file in force with other numbers of one rule; all else is as it was.

The file stays the text that people wrote, with its comments and its order. What of a level is not
written there follows from the level before it (alerts.rules.reading), so it can be left so: a limit
that is not written stays as it is, and moves with the one that it follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import tomlkit
from tomlkit.items import InlineTable, Table

from alerts.rules.forms import FORMS
from alerts.rules.reading import LASTING, LONGEST_MIN
from alerts.rules.rule import Level, Rule, Rules
from alerts.rules.shipped import parse_rules
from core.errors import UserError

LEVELS = {"raise": "raises", "lower": "lowers", "clear": "clears"}
"""Of a rule file, and what a rule calls them."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Number:
    """A number of a rule that can be another."""

    place: str
    """raise, lower, clear or limits; "": the rule's own."""
    name: str
    written: float | None
    """As it stands in the file; None: it follows from others."""
    holds: float | None
    """As it is in force; None: it is not."""
    least: float
    most: float

    @property
    def key(self) -> str:
        """By which a form knows it."""
        return f"{self.place}.{self.name}" if self.place else self.name

    @property
    def needed(self) -> bool:
        """Whether the file must give it: nothing else says what it is."""
        return self.place in ("raise", "limits") and self.name != LASTING


def may_be_asked(rule: Rule) -> bool:
    """Whether the desk may ask for other numbers of it."""
    return not rule.never_filtered and bool(numbers_of(rule, {}))


def numbers_of(rule: Rule, written: Mapping[str, Any]) -> list[Number]:
    """Every number of a rule, level by level; `written`: its table in the file."""
    form, found = FORMS[rule.id], []
    for place, attribute in LEVELS.items():
        level: Level = getattr(rule, attribute)
        table = written.get(place, {})
        for name, (least, most) in form.crossed.items():
            found.append(Number(place, name, table.get(name), level.limits.get(name), least, most))
        if form.crossed and form.may_wait:
            minutes = level.lasting / _MINUTE
            found.append(Number(place, LASTING, table.get(LASTING), minutes, 0, LONGEST_MIN))
    limits = written.get("limits", {})
    for name, (least, most) in form.limits.items():
        found.append(Number("limits", name, limits.get(name), rule.limits.get(name), least, most))
    if form.crossed and form.may_wait:
        within = None if rule.confirm_within is None else rule.confirm_within / _MINUTE
        asked = written.get("confirm_within_min")
        found.append(Number("", "confirm_within_min", asked, within, 1, LONGEST_MIN))
    return found


def written_of(text: str, rule: str) -> Mapping[str, Any]:
    """A rule's table as a file has it."""
    found: Mapping[str, Any] = tomlkit.parse(text).unwrap()["rules"][rule]
    return found


def edited(text: str, rules: Rules, rule: str, wanted: Mapping[str, float | None]) -> str:
    """The file with other numbers of one rule.

    Args:
        text: the file in force, and `rules` what it says.
        wanted: by Number.key; None takes a number out, and one that is not there stays.

    Raises:
        UserError: a number that the rule needs is taken out, it has no such number, or nothing
            would be another.
        RuleError: the numbers do not go together, or lie where they make no sense; says which.
    """
    document = tomlkit.parse(text)
    table: Any = document["rules"][rule]
    known = {one.key: one for one in numbers_of(rules[rule], written_of(text, rule))}
    for key, value in wanted.items():
        one = known.get(key)
        if one is None:
            raise UserError(f"The rule {rule} has no number called {key}.")
        if value is None and one.needed:
            raise UserError(f"The rule {rule} needs its number {key}.")
        if value != one.written:
            _put(table, one, value)
    changed = str(tomlkit.dumps(document))
    after = parse_rules(changed, name="the asked rules")
    if after == rules:
        raise UserError("These are the numbers in force: there is nothing to judge.")
    return changed


def _put(table: Table, one: Number, value: float | None) -> None:
    where: Any = table
    if one.place:
        if one.place not in table:
            table.add(one.place, tomlkit.inline_table())
        where = table[one.place]
    if value is None:
        where.pop(one.name, None)
        if isinstance(where, InlineTable) and not len(where):
            table.remove(one.place)
    else:
        where[one.name] = int(value) if float(value).is_integer() else value
