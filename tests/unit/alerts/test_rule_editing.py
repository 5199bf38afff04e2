"""Other numbers of one rule in a rule file: the rest of the text stays as people wrote it."""

from __future__ import annotations

import difflib

import pytest

from alerts.rules.changes import changes
from alerts.rules.editing import edited, may_be_asked, numbers_of, written_of
from alerts.rules.in_force import shipped_text
from alerts.rules.rule import RuleError
from alerts.rules.shipped import parse_rules, shipped_rules
from core.errors import UserError

TEXT, RULES = shipped_text(), shipped_rules()
ASKABLE = [name for name, rule in RULES.rules.items() if may_be_asked(rule)]


def _lines(after: str) -> list[str]:
    """The lines that differ."""
    found = difflib.unified_diff(TEXT.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in found if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize("name", ASKABLE)
def test_one_rule_differs_and_one_line_of_the_file(name: str) -> None:
    """Of every rule, its first number half a step towards the end of what makes sense."""
    one = numbers_of(RULES[name], written_of(TEXT, name))[0]
    assert one.holds is not None
    room = one.most - one.holds
    value = round(one.holds + min(room, 0.5) if room else one.holds - 0.5, 3)
    try:
        after = edited(TEXT, RULES, name, {one.key: value})
    except RuleError:
        # Towards the dangerous side of what it clears at, or past a milder rule: the other way.
        after = edited(TEXT, RULES, name, {one.key: round(one.holds - 0.5, 3)})
    assert len(_lines(after)) == 2
    found = changes(parse_rules(after), RULES)
    assert found
    assert all(line.startswith(f"{name}:") for line in found)


def test_levels_are_added_moved_and_taken_out() -> None:
    rule = "severe_blood_pressure"
    after = edited(
        TEXT,
        RULES,
        rule,
        {
            "raise.systolic": 185.0, "raise.for_min": 5.0, "clear.systolic": 170.5,
            "confirm_within_min": None,
        },
    )  # fmt: skip
    rules = parse_rules(after)
    assert rules[rule].raises.limits == {"systolic": 185, "diastolic": 110}
    assert rules[rule].clears.limits == {"systolic": 170.5, "diastolic": 110}
    assert rules[rule].confirm_within is None
    # What is written is known as written, and taking it out again gives the file's own meaning.
    known = {one.key: one for one in numbers_of(rules[rule], written_of(after, rule))}
    assert (known["clear.systolic"].written, known["clear.diastolic"].written) == (170.5, None)
    back = edited(
        after,
        rules,
        rule,
        {
            "raise.systolic": 180.0, "raise.for_min": None, "clear.systolic": None,
            "confirm_within_min": 15.0,
        },
    )  # fmt: skip
    assert parse_rules(back) == RULES
    assert "clear = {" not in back[back.index(f"[rules.{rule}]") :].split("[rules.", 2)[1]


def test_a_limit_that_follows_moves_with_the_one_it_follows() -> None:
    rules = parse_rules(edited(TEXT, RULES, "news2_medium", {"raise.total": 6.0}))
    assert rules["news2_medium"].clears["total"] == 6


@pytest.mark.parametrize(
    ("rule", "wanted", "error", "said"),
    [
        ("news2_medium", {"raise.total": 8.0}, RuleError, "news2_medium"),
        ("news2_high", {"raise.total": 8.0}, RuleError, "from 1 to 7"),
        ("room_cold", {"clear.temperature": 17.0}, RuleError, "dangerous side"),
        ("room_cold", {"raise.temperature": float("nan")}, RuleError, "from 5 to 22"),
        ("news2_medium", {"raise.total": None}, UserError, "needs its number"),
        ("news2_medium", {"raise.pulse": 7.0}, UserError, "has no number"),
        ("news2_medium", {"severity": 1.0}, UserError, "has no number"),
        ("news2_medium", {"raise.total": 5.0}, UserError, "nothing to judge"),
        ("news2_medium", {}, UserError, "nothing to judge"),
    ],
)
def test_what_cannot_be(
    rule: str, wanted: dict[str, float | None], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        edited(TEXT, RULES, rule, wanted)


def test_what_is_never_filtered_is_not_asked_for() -> None:
    assert not {"help", "smoke", "fall", "beyond_meter", "channel_broken"} & set(ASKABLE)
    assert {"news2_medium", "room_cold", "severe_blood_pressure"} <= set(ASKABLE)
