"""The rule catalogue and the hazard list as documents, generated from the rules themselves.

`python -m alerts.rules.docs DIR` writes them (`make docs`).
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from alerts.finding import LIFE_SAFETY
from alerts.rules.rule import Behaviour, Level, Rule, Rules
from alerts.rules.shipped import shipped_rules

NOTICE = "Not a medical device. Not for clinical use."
_COLUMNS = (
    "rule", "alert", "severity", "use", "in force", "may be changed by", "raise", "lower", "clear",
    "other numbers", "repeat", "inhibits", "source", "test",
)  # fmt: skip
SEVERITIES = {1: "review", 2: "attention", 3: "urgent", 4: "emergency"}


def render_rules(rules: Rules) -> str:
    """`docs/rules.md`: every rule with its source, default and test."""
    late = _minutes(rules.late_after)
    lines = [
        "# Rules",
        "",
        "Generated from `alerts/rules/rules.toml`; a test compares.",
        "Limits are defaults in the metric's",
        "unit. Who may change a rule: nobody; a clinician for one client (in the registry), the",
        "county's coordinator for all (in a rule file of the county's own).",
        "",
        "Beyond *raise*, for as long as it says, an alert opens or rises; back on the safe side",
        "of *lower* it falls to what milder rules say, of *clear* it clears. *Repeat*: a second",
        "reading is asked for first; if none comes in this time, the first counts. *Inhibits*:",
        "kinds of which nothing more opens for the client while the rule speaks, unless it is more",
        "severe. Use: an *alert* calls somebody, a *review* waits in the list, a *trend* is shown",
        "with the readings.",
        "",
        f"A measurement that reaches Saimi more than {late} after it was made corrects history and",
        "scores, but opens and raises nothing. Life-safety events (help, smoke, carbon monoxide,",
        "fall) page at any age.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|" + " --- |" * len(_COLUMNS),
        *(_rule_row(rule) for rule in rules.rules.values()),
        "",
        "## How alerts behave over time",
        "",
        "Findings of one kind of one client are one alert. It is open until a person closes it;",
        "help, smoke, carbon monoxide and fall only once contact with a person is recorded.",
        "",
        "| alert | by itself | again after closing | closed as nothing new | a device's repeats |",
        "| --- | --- | --- | --- | --- |",
        *(_behaviour_row(kind, one) for kind, one in rules.behaviours.items()),
        "",
        "*Closed as nothing new*: for so long after a person recorded false, technical or known,",
        "the same is not told again unless it is worse, whether or not it went away meanwhile.",
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
        "Generated from `alerts/rules/rules.toml`; a test compares.",
        "Each rule is there because of a",
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
    repeat = _minutes(rule.confirm_within) if rule.confirm_within else "–"
    inhibits = ", ".join(sorted(rule.inhibits)) or "–"
    source = rule.source + (" [unsourced]" if rule.unsourced else "")
    state = "always" if rule.kind in LIFE_SAFETY else "yes" if rule.on else "no"
    return (
        f"| {rule.id} | {rule.kind} | {rule.severity} {SEVERITIES[rule.severity]} | {rule.use} | "
        f"{state} | {rule.changed_by} | {_level(rule.raises)} | {_level(rule.lowers)} | "
        f"{_level(rule.clears)} | {limits} | {repeat} | {inhibits} | {source} | `{rule.test}` |"
    )


def _level(level: Level) -> str:
    limits = ", ".join(f"{name} {value:g}" for name, value in level.limits.items())
    after = f"after {_minutes(level.lasting)}" if level.lasting else "at once"
    return f"{limits}, {after}" if limits else after


def _behaviour_row(kind: str, one: Behaviour) -> str:
    if one.lasting:
        known = _minutes(one.known_for) if one.known_for else "–"
        return f"| {kind} | clears | {_minutes(one.again_after)} | {known} | – |"
    return f"| {kind} | stays | at once | – | {_minutes(one.repeat_within)} |"


def _minutes(length: timedelta) -> str:
    minutes = length / timedelta(minutes=1)
    return f"{minutes:g} min" if minutes < 120 else f"{minutes / 60:g} h"


def write(directory: Path) -> None:
    """Write `rules.md` and `hazards.md` of the rules that ship."""
    rules = shipped_rules()
    (directory / "rules.md").write_text(render_rules(rules), encoding="utf-8")
    (directory / "hazards.md").write_text(render_hazards(rules), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
