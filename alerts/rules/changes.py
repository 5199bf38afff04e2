"""In what rules differ from those that ship, a line each, for whoever puts them in force."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

from alerts.rules.rule import Behaviour, Level, Rule, Rules
from alerts.rules.shipped import shipped_rules


def changes(rules: Rules, before: Rules | None = None) -> list[str]:
    """ "news2_medium: raise total 5, at once -> total 6, at once" and so on; [] where none do.

    `before`: the rules that they differ from; None: those that ship.
    """
    shipped = shipped_rules() if before is None else before
    found = [
        line
        for name, rule in rules.rules.items()
        for line in _differences(name, shipped[name], rule)
    ]
    for kind, behaviour in rules.behaviours.items():
        found += _differences(f"episodes.{kind}", shipped.behaviours[kind], behaviour)
    if rules.late_after != shipped.late_after:
        found.append(f"late_after: {_shown(shipped.late_after)} -> {_shown(rules.late_after)}")
    return found


def _differences(name: str, before: Rule | Behaviour, after: Rule | Behaviour) -> list[str]:
    found = []
    for one in fields(before):
        old, new = getattr(before, one.name), getattr(after, one.name)
        if old != new:
            found.append(f"{name}: {one.name} {_shown(old)} -> {_shown(new)}")
    return found


def _shown(value: Any) -> str:
    match value:
        case None:
            return "not said"
        case Level():
            limits = ", ".join(f"{name} {limit:g}" for name, limit in value.limits.items())
            return ", ".join(part for part in (limits, f"for {_shown(value.lasting)}") if part)
        case timedelta():
            return f"{value / timedelta(minutes=1):g} min"
        case dict():
            return ", ".join(f"{name} {limit:g}" for name, limit in value.items()) or "none"
        case frozenset():
            return ", ".join(sorted(value)) or "none"
    return str(value)
