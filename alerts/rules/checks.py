"""Whether rules agree with each other, and with what may never be changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from alerts.finding import KINDS, LIFE_SAFETY, Severity
from alerts.rules.forms import ALWAYS_ON, ASCENDING, FORMS, NO_MILDER
from alerts.rules.reading import Source
from alerts.rules.rule import Rule, Rules

_LONGEST_REPEAT = timedelta(minutes=60)
"""In which a call for help may count as the device repeating itself, at most."""


def check_rules(rules: Rules, source: Source) -> None:
    """Refuse what contradicts itself.

    Raises:
        RuleError: names rule, key and line.
    """
    for kind in LIFE_SAFETY:
        _check_life_safety(kind, rules, source)
    _check_memory(rules, source)
    for rule in rules.rules.values():
        _check(rule, source)
    _check_inhibition(rules.rules, source)
    for low, high, limit in ASCENDING:
        if rules[low].raises[limit] >= rules[high].raises[limit]:
            source.refuse(f"rules.{high}", "raise", f"{limit} must be above that of {low}")
    for worse, milder in NO_MILDER:
        if rules[worse].severity < rules[milder].severity:
            source.refuse(f"rules.{worse}", "severity", f"it must be no milder than {milder}")


def _check_life_safety(kind: str, rules: Rules, source: Source) -> None:
    behaviour = rules.behaviours[kind]
    if behaviour.lasting:
        source.refuse(
            f"episodes.{kind}", "lasting", "a life-safety event stays until a person closes it"
        )
    if behaviour.repeat_within > _LONGEST_REPEAT:
        source.refuse(
            f"episodes.{kind}",
            "repeat_within_min",
            f"a call for help is heard again after {_LONGEST_REPEAT // timedelta(minutes=1)} "
            "minutes at most",
        )


def _check_memory(rules: Rules, source: Source) -> None:
    """What is never filtered, an emergency among it, is told again whatever was recorded of it."""
    told = {rule.kind for rule in rules.rules.values() if rule.never_filtered}
    told |= {FORMS[name].kind for name in ALWAYS_ON}
    for kind, behaviour in rules.behaviours.items():
        if behaviour.known_for and (kind in told or not behaviour.lasting):
            source.refuse(
                f"episodes.{kind}",
                "known_for_min",
                "alerts of this kind are told again, whatever was recorded of the last one",
            )


def _check(rule: Rule, source: Source) -> None:
    place = f"rules.{rule.id}"
    if rule.id in LIFE_SAFETY:
        if rule.enabled is False:
            source.refuse(place, "enabled", "a life-safety event is never filtered")
        if rule.severity != Severity.EMERGENCY:
            source.refuse(
                place, "severity", f"a life-safety event is always {Severity.EMERGENCY:d}"
            )
        if rule.use != "alert":
            source.refuse(place, "use", "a life-safety event always alerts")
    if rule.id in ALWAYS_ON and (not rule.on or rule.use != "alert"):
        source.refuse(place, "enabled", "it is always on, and always alerts")
    if rule.use == "review" and rule.severity != Severity.REVIEW:
        source.refuse(place, "severity", f"a rule for review has {Severity.REVIEW:d}")
    if not FORMS[rule.id].may_wait:
        if rule.confirm_within is not None:
            source.refuse(place, "confirm_within_min", "no repeat is asked for before it speaks")
        if rule.raises.lasting:
            source.refuse(place, "raise", "it speaks at once, and for_min would make it wait")


def _check_inhibition(rules: Mapping[str, Rule], source: Source) -> None:
    inhibited: dict[str, set[str]] = {}
    for rule in rules.values():
        for kind in sorted(rule.inhibits):
            why = None
            if kind not in KINDS:
                why = f"there is no kind {kind!r}"
            elif kind in LIFE_SAFETY:
                why = f"{kind} is never filtered, so nothing may inhibit it"
            elif kind in ("technical", rule.kind):
                why = f"{kind} would hide itself, or faults of Saimi's own"
            elif rule.kind in _reached(kind, inhibited):
                why = f"{kind} inhibits {rule.kind} already, so each would hide the other"
            if why:
                source.refuse(f"rules.{rule.id}", "inhibits", why)
            inhibited.setdefault(rule.kind, set()).add(kind)


def _reached(kind: str, inhibited: Mapping[str, set[str]]) -> set[str]:
    """What a kind inhibits, and what that inhibits, and so on."""
    found: set[str] = set()
    ahead = [kind]
    while ahead:
        for other in inhibited.get(ahead.pop(), set()) - found:
            found.add(other)
            ahead.append(other)
    return found


def check_untouched(rules: Rules, shipped: Rules, source: Source) -> None:
    """Refuse a change of who may change a rule, and any change of what nobody may change.

    Raises:
        RuleError: names rule, key and line.
    """
    for name, rule in rules.rules.items():
        mine, theirs = rule, shipped[name]
        if mine.changed_by != theirs.changed_by:
            source.refuse(f"rules.{name}", "changed_by", f"it is {theirs.changed_by!r}")
        if theirs.changed_by != "nobody":
            continue
        for key, same in (
            ("severity", mine.severity == theirs.severity),
            ("use", mine.use == theirs.use),
            ("enabled", mine.on == theirs.on),
            ("raise", mine.raises == theirs.raises),
            ("limits", mine.limits == theirs.limits),
            ("inhibits", mine.inhibits == theirs.inhibits),
        ):
            if not same:
                source.refuse(f"rules.{name}", key, "nobody may change it")
