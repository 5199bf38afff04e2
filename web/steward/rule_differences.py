"""In what two sets of rules differ, by rule, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from alerts.rules.rule import Level, Rules
from web.i18n import Texts, mark
from web.steward.showing import length_text
from web.steward.wording import CHANGED_BY, LEVELS, LIMITS, RULES, USES, named
from web.words import KINDS, SEVERITIES

_FIELDS: dict[str, str] = {
    "kind": mark("Kind of alert"),
    "severity": mark("Severity"),
    "use": mark("Use"),
    "changed_by": mark("May be changed by"),
    "raises": mark("Opens"),
    "lowers": mark("Falls"),
    "clears": mark("Clears"),
    "limits": LEVELS["limits"],
    "confirm_within": mark("Waits for a repeat reading"),
    "inhibits": mark("Keeps quiet"),
    "unsourced": mark("Without a source"),
    "enabled": mark("In use"),
    "source": mark("Source"),
    "hazard": mark("Hazard"),
    "test": mark("Test"),
    "lasting": mark("Lasts until the readings say otherwise"),
    "lower_after": mark("Falls or clears after"),
    "again_after": mark("Again after it was closed, at the earliest"),
    "repeat_within": mark("A device's repeats within"),
    "known_for": mark("Not told again after it was found to be nothing new"),
}


@dataclass(frozen=True)
class RuleChange:
    """What differs of one rule, or of how a kind of alert behaves."""

    name: str
    lines: tuple[tuple[str, str, str], ...]
    """What it is, as it was, as it would be."""


def rule_differences(text: Texts, before: Rules, after: Rules) -> list[RuleChange]:
    """Every rule and kind of alert that differs; [] where the rules are the same."""
    found = [
        RuleChange(named(text, RULES, name), tuple(_lines(text, before.rules.get(name), rule)))
        for name, rule in after.rules.items()
    ]
    for kind, behaviour in after.behaviours.items():
        name = text.gettext("%(kind)s: how alerts behave", kind=named(text, KINDS, kind))
        lines = _lines(text, before.behaviours.get(kind), behaviour)
        found.append(RuleChange(name, tuple(lines)))
    late = [_shown(text, "late_after", one.late_after) for one in (before, after)]
    if late[0] != late[1]:
        label = text.gettext("A measurement that comes later than this calls nobody")
        found.append(RuleChange(text.gettext("All rules"), ((label, *late),)))  # type: ignore[arg-type]
    return [one for one in found if one.lines]


@dataclass(frozen=True)
class RuleRow:
    """One rule in short."""

    id: str
    name: str
    severity: int
    use: str
    opens: str
    on: bool


def rule_rows(text: Texts, rules: Rules) -> list[RuleRow]:
    """Every rule, the most severe first."""
    rows = [
        RuleRow(
            id=name,
            name=named(text, RULES, name),
            severity=rule.severity,
            use=text.gettext(USES[rule.use]),
            opens=_limits(text, rule.raises.limits),
            on=rule.on,
        )
        for name, rule in rules.rules.items()
    ]
    return sorted(rows, key=lambda row: (not row.on, -row.severity))


def _lines(text: Texts, before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    nothing = text.gettext("nothing")
    for field in fields(after):
        old, new = getattr(before, field.name, None), getattr(after, field.name)
        if old != new and field.name in _FIELDS:
            was, now = (_shown(text, field.name, one) for one in (old, new))
            yield text.gettext(_FIELDS[field.name]), was or nothing, now or nothing


def _shown(text: Texts, field: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return text.gettext("yes") if value else text.gettext("no")
        case Level():
            limits = _limits(text, value.limits)
            if not value.lasting:
                return limits or text.gettext("at once")
            lasting = text.gettext("for %(time)s", time=length_text(value.lasting, text))
            return ", ".join(filter(None, (limits, lasting)))
        case timedelta():
            return length_text(value, text)
        case int() if field == "severity":
            return text.gettext(SEVERITIES[value])
        case frozenset():
            return text.listing(named(text, KINDS, one) for one in sorted(value))
        case str():
            return named(text, {"use": USES, "changed_by": CHANGED_BY}.get(field, {}), value)
    return _limits(text, value)


def _limits(text: Texts, limits: Mapping[str, float]) -> str:
    return ", ".join(
        f"{named(text, LIMITS, name)} {_number(text, value)}" for name, value in limits.items()
    )


def _number(text: Texts, value: float) -> str:
    return text.number(value, 0 if value == int(value) else 1)
