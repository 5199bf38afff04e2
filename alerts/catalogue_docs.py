"""The rule catalogue and the hazard list as documents, generated from the rules themselves.

`python -m alerts.catalogue_docs DIR` writes them (`make docs`).
"""

from __future__ import annotations

import sys
from pathlib import Path

from alerts.finding import LIFE_SAFETY
from alerts.rules import Behaviour, Rule, Rules, shipped_rules

NOTICE = "Not a medical device. Not for clinical use."
SEVERITIES = {1: "review", 2: "attention", 3: "urgent", 4: "emergency"}


def render_rules(rules: Rules) -> str:
    """`docs/rules.md`: every rule with its source, default and test."""
    late = _minutes(rules.late_after.total_seconds() / 60)
    lines = [
        "# Rules",
        "",
        "Generated from `alerts/rules.toml`; a test compares. Limits are defaults in the metric's",
        "unit; a clinician can give each client other ones.",
        "",
        f"A measurement that reaches Saimi more than {late} after it was made corrects history and",
        "scores, but opens and raises nothing. Life-safety events (help, smoke, carbon monoxide,",
        "fall) page at any age.",
        "",
        "| rule | alert | severity | use | limits | in force | source | test |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_rule_row(rule) for rule in rules.rules.values()),
        "",
        "## How alerts behave over time",
        "",
        "Findings of one kind of one client are one alert. It is open until a person closes it;",
        "help, smoke, carbon monoxide and fall only once contact with a person is recorded.",
        "",
        "| alert | by itself | falls or clears after | again after closing | a device's repeats |",
        "| --- | --- | --- | --- | --- |",
        *(_behaviour_row(kind, one) for kind, one in rules.behaviours.items()),
        "",
        "These times are Saimi's own, without a source, and change with experience.",
        "",
        NOTICE,
        "",
    ]
    return "\n".join(lines)


def render_hazards(rules: Rules) -> str:
    """`docs/hazards.md`: what can happen to a client, the rule against it, and its test."""
    lines = [
        "# Hazards",
        "",
        "Generated from `alerts/rules.toml`; a test compares. Each rule is there because of a",
        "hazard, and a test holds it to its word.",
        "",
        "| hazard | rule | test |",
        "| --- | --- | --- |",
        *(f"| {rule.hazard} | {rule.id} | `{rule.test}` |" for rule in rules.rules.values()),
        "",
        NOTICE,
        "",
    ]
    return "\n".join(lines)


def _rule_row(rule: Rule) -> str:
    limits = ", ".join(f"{name} {value:g}" for name, value in rule.limits.items()) or "–"
    source = rule.source + (" [unsourced]" if rule.unsourced else "")
    state = "always" if rule.kind in LIFE_SAFETY else "yes" if rule.on else "no"
    return (
        f"| {rule.id} | {rule.kind} | {rule.severity} {SEVERITIES[rule.severity]} | {rule.use} | "
        f"{limits} | {state} | {source} | `{rule.test}` |"
    )


def _behaviour_row(kind: str, one: Behaviour) -> str:
    if one.lasting:
        lower = "at once" if one.lower_after_min == 0 else _minutes(one.lower_after_min)
        return f"| {kind} | clears | {lower} | {_minutes(one.again_after_min)} | – |"
    return f"| {kind} | stays | – | at once | {_minutes(one.repeat_within_min)} |"


def _minutes(minutes: float) -> str:
    return f"{minutes:g} min" if minutes < 120 else f"{minutes / 60:g} h"


def write(directory: Path) -> None:
    """Write `rules.md` and `hazards.md` of the rules that ship."""
    rules = shipped_rules()
    (directory / "rules.md").write_text(render_rules(rules), encoding="utf-8")
    (directory / "hazards.md").write_text(render_hazards(rules), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
