"""Reads the rules and refuses what contradicts itself, naming rule, key and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import msgspec
from msgspec import Meta

from alerts.finding import KINDS, LIFE_SAFETY
from core.errors import UserError

SHIPPED = Path(__file__).with_name("rules.toml")

LIMITS: dict[str, frozenset[str]] = {
    **{name: frozenset() for name in ("help", "smoke", "carbon_monoxide", "fall")},
    "call_request": frozenset({"newest_h"}),
    "news2_high": frozenset({"total"}),
    "news2_medium": frozenset({"total"}),
    "news2_single_three": frozenset({"points"}),
    "news2_oxygen_unknown": frozenset({"points"}),
    "spo2_below_range": frozenset(),
    "spo2_above_range": frozenset(),
    "client_limit": frozenset(),
    "beyond_meter": frozenset(),
    "hypoglycaemia_level_1": frozenset({"below"}),
    "hypoglycaemia_level_2": frozenset({"below"}),
    "severe_blood_pressure": frozenset({"systolic", "diastolic", "repeat_within_min"}),
    "device_silent": frozenset(),
    "gateway_silent": frozenset(),
    "assessment_failed": frozenset(),
}
"""Every rule there is, and the limits it must be given."""

Minutes = Annotated[float, Meta(ge=0)]
Text = Annotated[str, Meta(min_length=1)]


_T = TypeVar("_T")


class RuleError(UserError):
    """The rule file cannot be used; says which rule and key, and where."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One clinical or technical rule."""

    kind: str
    severity: Annotated[int, Meta(ge=1, le=4)]
    use: Literal["alert", "review"]
    source: Text
    hazard: Text
    test: Text
    limits: dict[str, float] = {}
    unsourced: bool = False
    enabled: bool | None = None
    id: str = ""

    @property
    def on(self) -> bool:
        """Whether it is applied: an unsourced limit only when enabled, or never to be filtered."""
        if self.kind in LIFE_SAFETY:
            return True
        return not self.unsourced if self.enabled is None else self.enabled


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the episodes of one kind behave over time; minutes."""

    lasting: bool
    lower_after_min: Minutes = 0
    again_after_min: Minutes = 0
    repeat_within_min: Minutes = 0

    @property
    def lower_after(self) -> timedelta:
        return timedelta(minutes=self.lower_after_min)

    @property
    def again_after(self) -> timedelta:
        return timedelta(minutes=self.again_after_min)

    @property
    def repeat_within(self) -> timedelta:
        return timedelta(minutes=self.repeat_within_min)


@dataclass(frozen=True, slots=True)
class Rules:
    """A rule file that has passed every check."""

    rules: Mapping[str, Rule]
    behaviours: Mapping[str, Behaviour]
    late_after: timedelta

    def __getitem__(self, rule: str) -> Rule:
        return self.rules[rule]


@cache
def shipped_rules() -> Rules:
    """The rules that ship with Saimi."""
    return read_rules(SHIPPED)


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
    return _Parser(text, name).rules()


class _Parser:
    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name

    def rules(self) -> Rules:
        try:
            content: dict[str, Any] = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise RuleError(f"{self._name} is not TOML: {error}.") from error
        unknown = set(content) - {"late_after_min", "episodes", "rules"}
        if unknown:
            self._refuse(None, min(unknown), "there is no such section or key")
        late_after = content.get("late_after_min")
        if not isinstance(late_after, int | float) or late_after <= 0:
            self._refuse(None, "late_after_min", "it must be a number of minutes above 0")
        behaviours = self._tables(content, "episodes", Behaviour, frozenset(KINDS))
        rules = self._tables(content, "rules", Rule, frozenset(LIMITS))
        rules = {key: msgspec.structs.replace(rule, id=key) for key, rule in rules.items()}
        for rule in rules.values():
            self._check(rule)
        self._ascending(rules, "news2_medium", "news2_high", "total")
        self._ascending(rules, "hypoglycaemia_level_2", "hypoglycaemia_level_1", "below")
        return Rules(rules, behaviours, timedelta(minutes=late_after))

    def _tables(
        self, content: dict[str, Any], section: str, form: type[_T], names: frozenset[str]
    ) -> dict[str, _T]:
        tables = content.get(section, {})
        if not isinstance(tables, dict):
            self._refuse(None, section, "it must be a table")
        found: dict[str, _T] = {}
        for name, table in tables.items():
            if name not in names:
                self._refuse(f"{section}.{name}", name, f"there is nothing called {name!r}")
            try:
                found[name] = msgspec.convert(table, form)
            except msgspec.ValidationError as error:
                self._refuse(f"{section}.{name}", *_key_and_reason(str(error)))
        absent = sorted(names - set(found))
        if absent:
            self._refuse(None, f"{section}.{absent[0]}", "it is missing")
        return found

    def _check(self, rule: Rule) -> None:
        place = f"rules.{rule.id}"
        if rule.kind not in KINDS:
            self._refuse(place, "kind", f"there is no kind of episode called {rule.kind!r}")
        if set(rule.limits) != LIMITS[rule.id]:
            wanted = ", ".join(sorted(LIMITS[rule.id])) or "none"
            self._refuse(place, "limits", f"it needs exactly these limits: {wanted}")
        if rule.kind in LIFE_SAFETY and rule.enabled is False:
            self._refuse(place, "enabled", "a life-safety event is never filtered")

    def _ascending(self, rules: Mapping[str, Rule], low: str, high: str, limit: str) -> None:
        if rules[low].limits[limit] >= rules[high].limits[limit]:
            self._refuse(f"rules.{high}", "limits", f"{limit} must be above that of {low}")

    def _refuse(self, table: str | None, key: str, why: str) -> NoReturn:
        where = f"{self._name}, line {self._line(table, key)}"
        rule = f"{table}, " if table else ""
        raise RuleError(
            f"{where}: {rule}key {key}: {why}. The rules in force stay as they are; correct the "
            "file and load it again."
        )

    def _line(self, table: str | None, key: str) -> int:
        """Where a key of a table stands; the table's own line where the key is absent."""
        lines = self._text.splitlines()
        start = 0
        if table is not None:
            header = re.compile(rf"\s*\[{re.escape(table)}\]")
            start = next((n for n, line in enumerate(lines) if header.match(line)), 0)
        for number in range(start + (table is not None), len(lines)):
            if re.match(r"\s*\[", lines[number]):
                break
            if re.match(rf"\s*{re.escape(key)}\s*=", lines[number]):
                return number + 1
        return start + 1


def _key_and_reason(message: str) -> tuple[str, str]:
    """Take msgspec's sentence apart, e.g. 'Expected `int`, got `str` - at `$.severity`'."""
    reason, _, path = message.partition(" - at ")
    named = re.search(r"`(\w+)`", reason) if not path else None
    key = path.strip("`").removeprefix("$.").split("[")[0] if path else ""
    return key or (named.group(1) if named else ""), reason[:1].lower() + reason[1:]
