"""TOML -> rules: each table by itself, what it leaves out filled in; the line of what is wrong."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
from msgspec import Meta

from alerts.finding import KINDS
from alerts.rules.forms import FORMS, Form, Range
from alerts.rules.rule import Behaviour, ChangedBy, Level, Rule, RuleError, Rules, Use

_MOST_BYTES = 1_000_000
LONGEST_MIN = 7 * 24 * 60
_LONGEST_LATE_MIN = 24 * 60
LASTING = "for_min"
"""Beside the limits of a level: how long a value must be beyond them."""

Minutes = Annotated[float, Meta(ge=0, le=LONGEST_MIN)]
Text = Annotated[str, Meta(min_length=1)]
_T = TypeVar("_T")


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"raise_": "raise"}):
    """A rule as it is written."""

    kind: str
    severity: Annotated[int, Meta(ge=1, le=4)]
    use: Use
    source: Text
    hazard: Text
    test: Text
    changed_by: ChangedBy = "coordinator"
    raise_: dict[str, float] = {}
    lower: dict[str, float] = {}
    clear: dict[str, float] = {}
    limits: dict[str, float] = {}
    confirm_within_min: Annotated[float, Meta(gt=0, le=LONGEST_MIN)] | None = None
    inhibits: list[str] = []
    unsourced: bool = False
    enabled: bool | None = None


class _Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a kind behaves, as it is written."""

    lasting: bool
    lower_after_min: Minutes = 0
    again_after_min: Minutes = 0
    repeat_within_min: Minutes = 0
    known_for_min: Minutes = 0


@dataclass(frozen=True)
class Source:
    """A rule file's text: where in it things stand."""

    text: str
    name: str

    def refuse(self, table: str | None, key: str, why: str) -> NoReturn:
        """Say what is wrong, naming rule, key and line.

        Raises:
            RuleError: always.
        """
        where = f"{self.name}, line {self._line(table, key)}"
        rule = f"{table}, " if table else ""
        raise RuleError(
            f"{where}: {rule}key {key}: {why}. Nothing of this file is in force: correct it."
        )

    def _line(self, table: str | None, key: str) -> int:
        """Where a key of a table stands; the table's own line where the key is absent."""
        lines = self.text.splitlines()
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


def read_source(source: Source) -> Rules:
    """Every table of a rule file by itself.

    Raises:
        RuleError: it is no TOML, or a table is wrong; says which, and on which line.
    """
    if len(source.text) > _MOST_BYTES:
        raise RuleError(f"{source.name} is no rule file: it has more than {_MOST_BYTES:,} letters.")
    try:
        content: dict[str, Any] = tomllib.loads(source.text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RuleError(f"{source.name} is not TOML: {error}.") from error
    unknown = set(content) - {"late_after_min", "episodes", "rules"}
    if unknown:
        source.refuse(None, min(unknown), "there is no such section or key")
    late_after: Any = content.get("late_after_min")
    number = isinstance(late_after, int | float) and not isinstance(late_after, bool)
    if not number or not 0 < late_after <= _LONGEST_LATE_MIN:
        source.refuse(
            None,
            "late_after_min",
            f"it must be a number of minutes above 0, and {_LONGEST_LATE_MIN} at most",
        )
    written = _tables(source, content, "episodes", _Behaviour, frozenset(KINDS))
    behaviours = {kind: _behaviour(source, kind, one) for kind, one in written.items()}
    rules = {
        name: _complete(source, name, one, behaviours)
        for name, one in _tables(source, content, "rules", _Rule, frozenset(FORMS)).items()
    }
    return Rules(rules, behaviours, timedelta(minutes=late_after))


def _tables(
    source: Source, content: dict[str, Any], section: str, form: type[_T], names: frozenset[str]
) -> dict[str, _T]:
    tables = content.get(section, {})
    if not isinstance(tables, dict):
        source.refuse(None, section, "it must be a table")
    found: dict[str, _T] = {}
    for name, table in tables.items():
        if name not in names:
            source.refuse(f"{section}.{name}", name, f"there is nothing called {name!r}")
        try:
            found[name] = msgspec.convert(table, form)
        except msgspec.ValidationError as error:
            source.refuse(f"{section}.{name}", *_key_and_reason(str(error)))
    absent = sorted(names - set(found))
    if absent:
        source.refuse(None, f"{section}.{absent[0]}", "it is missing")
    return found


def _behaviour(source: Source, kind: str, one: _Behaviour) -> Behaviour:
    for name in ("lower_after_min", "again_after_min", "repeat_within_min", "known_for_min"):
        if math.isnan(getattr(one, name)):
            source.refuse(f"episodes.{kind}", name, "it must be a number of minutes")
    return Behaviour(
        lasting=one.lasting,
        lower_after=timedelta(minutes=one.lower_after_min),
        again_after=timedelta(minutes=one.again_after_min),
        repeat_within=timedelta(minutes=one.repeat_within_min),
        known_for=timedelta(minutes=one.known_for_min),
    )


def _complete(source: Source, name: str, one: _Rule, behaviours: Mapping[str, Behaviour]) -> Rule:
    place, form = f"rules.{name}", FORMS[name]
    if one.kind != form.kind:
        source.refuse(place, "kind", f"it is {form.kind!r}, and cannot be {one.kind!r}")
    check_numbers(one.limits, form.limits, lambda why: source.refuse(place, "limits", why))
    default = behaviours[one.kind].lower_after
    raises = _level(source, place, "raise", one.raise_, form, timedelta(0), None)
    # A file that gives `clear` alone has the alert stand as it is until then.
    last = {**raises.limits, **{k: v for k, v in one.clear.items() if k != LASTING}}
    lower = one.lower if set(one.lower) - {LASTING} else {**last, **one.lower}
    lowers = _level(source, place, "lower" if one.lower else "clear", lower, form, default, raises)
    clears = _level(source, place, "clear", one.clear, form, default, lowers)
    within = one.confirm_within_min
    return Rule(
        id=name,
        kind=one.kind,
        severity=one.severity,
        use=one.use,
        source=one.source,
        hazard=one.hazard,
        test=one.test,
        changed_by=one.changed_by,
        raises=raises,
        lowers=lowers,
        clears=clears,
        limits=one.limits,
        confirm_within=None if within is None else timedelta(minutes=within),
        inhibits=frozenset(one.inhibits),
        unsourced=one.unsourced,
        enabled=one.enabled,
    )


def _level(
    source: Source,
    place: str,
    key: str,
    written: Mapping[str, float],
    form: Form,
    lasting: timedelta,
    before: Level | None,
) -> Level:
    """A level; what it leaves out is as in the one before it, and lasts as long as the default."""
    given = dict(written)
    minutes = given.pop(LASTING, None)
    if minutes is not None:
        if not 0 <= minutes <= LONGEST_MIN:  # nor is NaN
            source.refuse(place, key, f"{LASTING} must be from 0 to {LONGEST_MIN}")
        lasting = timedelta(minutes=minutes)
    if before is not None:
        given = {**before.limits, **given}
    check_numbers(given, form.crossed, lambda why: source.refuse(place, key, why))
    if before is not None:
        for name, value in given.items():
            outer = before[name]
            wrong = value > outer if name in form.above else value < outer
            if wrong:
                source.refuse(
                    place,
                    key,
                    f"{name} {value:g} lies on the dangerous side of {outer:g}: what was raised "
                    "would never come back",
                )
    return Level(given, lasting)


def check_numbers(
    given: Mapping[str, float], wanted: Mapping[str, Range], refuse: Any, *, partly: bool = False
) -> None:
    """Call `refuse` with what is wrong with numbers that need exactly these names and ranges."""
    if not set(given) <= set(wanted) or (not partly and set(given) != set(wanted)):
        names = ", ".join(sorted(wanted)) or "none"
        refuse(f"it needs exactly these limits: {names}")
    for name, value in given.items():
        least, most = wanted[name]
        if not least <= value <= most:  # nor is NaN
            refuse(f"{name} must be from {least:g} to {most:g}")


def _key_and_reason(message: str) -> tuple[str, str]:
    """Take msgspec's sentence apart, e.g. 'Expected `int`, got `str` - at `$.severity`'."""
    reason, _, path = message.partition(" - at ")
    named = re.search(r"`(\w+)`", reason) if not path else None
    key = path.strip("`").removeprefix("$.").split("[")[0] if path else ""
    return key or (named.group(1) if named else ""), reason[:1].lower() + reason[1:]
