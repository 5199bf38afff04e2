"""Reads the rules and refuses what contradicts itself, naming rule, key and line."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, TypeVar

import msgspec
from msgspec import Meta

from alerts.finding import KINDS, LIFE_SAFETY, Severity
from core.errors import UserError

SHIPPED = Path(__file__).with_name("rules.toml")

Range = tuple[float, float]
"""Between which a limit makes sense at all, both ends included."""


class Form(NamedTuple):
    """What a rule of this name is, whatever a file says: what it is about, and its limits."""

    kind: str
    limits: Mapping[str, Range] = MappingProxyType({})


FORMS: Mapping[str, Form] = {
    **{name: Form(name) for name in ("help", "smoke", "carbon_monoxide", "fall")},
    "call_request": Form("call_request", {"newest_h": (1, 168)}),
    "news2_high": Form("news2", {"total": (1, 20)}),
    "news2_medium": Form("news2", {"total": (1, 20)}),
    "news2_single_three": Form("news2", {"points": (1, 3)}),
    "news2_oxygen_unknown": Form("news2", {"points": (1, 3)}),
    "spo2_below_range": Form("spo2"),
    "spo2_above_range": Form("spo2"),
    "client_limit": Form("limit"),
    "beyond_meter": Form("limit"),
    "hypoglycaemia_level_1": Form("glucose", {"below": (1, 10)}),
    "hypoglycaemia_level_2": Form("glucose", {"below": (1, 10)}),
    "severe_blood_pressure": Form(
        "blood_pressure",
        {"systolic": (100, 250), "diastolic": (60, 150), "repeat_within_min": (1, 120)},
    ),
    "deterioration": Form("deterioration"),
    "deterioration_urgent": Form("deterioration"),
    "trend": Form("trend", {"shift": (2, 100)}),
    "inactivity": Form("inactivity", {"one_in": (100, 1e8)}),
    "routine": Form("routine", {"one_in": (100, 1e8)}),
    "device_silent": Form("silence"),
    "gateway_silent": Form("silence"),
    "home_early": Form("home_early", {"grace_min": (0, 1440)}),
    "channel_broken": Form("technical"),
    "assessment_failed": Form("technical"),
}
"""Every rule there is. A file gives limits within these ranges; it cannot make one rule another."""

_ASCENDING = (
    ("news2_medium", "news2_high", "total"),
    ("hypoglycaemia_level_2", "hypoglycaemia_level_1", "below"),
)
"""Limits that lie in this order."""
_NO_MILDER = (
    ("news2_high", "news2_medium"),
    ("news2_medium", "news2_single_three"),
    ("hypoglycaemia_level_2", "hypoglycaemia_level_1"),
)
"""The first is at least as severe as the second."""
_LONGEST_MIN = 7 * 24 * 60
_LONGEST_LATE_MIN = 24 * 60
_LONGEST_REPEAT_MIN = 60
"""Minutes in which a call for help may count as the device repeating itself, at most."""

Minutes = Annotated[float, Meta(ge=0, le=_LONGEST_MIN)]
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
        late_after: Any = content.get("late_after_min")
        number = isinstance(late_after, int | float) and not isinstance(late_after, bool)
        if not number or not 0 < late_after <= _LONGEST_LATE_MIN:
            self._refuse(
                None,
                "late_after_min",
                f"it must be a number of minutes above 0, and {_LONGEST_LATE_MIN} at most",
            )
        behaviours = self._tables(content, "episodes", Behaviour, frozenset(KINDS))
        for kind, behaviour in behaviours.items():
            self._check_behaviour(kind, behaviour)
        rules = self._tables(content, "rules", Rule, frozenset(FORMS))
        rules = {key: msgspec.structs.replace(rule, id=key) for key, rule in rules.items()}
        for rule in rules.values():
            self._check(rule)
        for low, high, limit in _ASCENDING:
            if rules[low].limits[limit] >= rules[high].limits[limit]:
                self._refuse(f"rules.{high}", "limits", f"{limit} must be above that of {low}")
        for worse, milder in _NO_MILDER:
            if rules[worse].severity < rules[milder].severity:
                self._refuse(f"rules.{worse}", "severity", f"it must be no milder than {milder}")
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
        place, form = f"rules.{rule.id}", FORMS[rule.id]
        if rule.kind != form.kind:
            self._refuse(place, "kind", f"it is {form.kind!r}, and cannot be {rule.kind!r}")
        if set(rule.limits) != set(form.limits):
            wanted = ", ".join(sorted(form.limits)) or "none"
            self._refuse(place, "limits", f"it needs exactly these limits: {wanted}")
        for name, (least, most) in form.limits.items():
            if not least <= rule.limits[name] <= most:  # nor is NaN
                self._refuse(place, "limits", f"{name} must be from {least:g} to {most:g}")
        if rule.id in LIFE_SAFETY:
            if rule.enabled is False:
                self._refuse(place, "enabled", "a life-safety event is never filtered")
            if rule.severity != Severity.EMERGENCY:
                self._refuse(
                    place, "severity", f"a life-safety event is always {Severity.EMERGENCY:d}"
                )
            if rule.use != "alert":
                self._refuse(place, "use", "a life-safety event always alerts")

    def _check_behaviour(self, kind: str, behaviour: Behaviour) -> None:
        place = f"episodes.{kind}"
        for name in ("lower_after_min", "again_after_min", "repeat_within_min"):
            if math.isnan(getattr(behaviour, name)):
                self._refuse(place, name, "it must be a number of minutes")
        if kind in LIFE_SAFETY:
            if behaviour.lasting:
                self._refuse(place, "lasting", "a life-safety event stays until a person closes it")
            if behaviour.repeat_within_min > _LONGEST_REPEAT_MIN:
                self._refuse(
                    place, "repeat_within_min",
                    f"a call for help is heard again after {_LONGEST_REPEAT_MIN} minutes at most",
                )  # fmt: skip

    def _refuse(self, table: str | None, key: str, why: str) -> NoReturn:
        where = f"{self._name}, line {self._line(table, key)}"
        rule = f"{table}, " if table else ""
        raise RuleError(
            f"{where}: {rule}key {key}: {why}. Nothing of this file is in force: correct it."
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
