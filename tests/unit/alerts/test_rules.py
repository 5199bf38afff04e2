"""The rule file: what ships is sound, and what is not is refused by name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from alerts.assess.assess import RULES, assess
from alerts.episodes.episode import Quiet, Step
from alerts.finding import KINDS, LIFE_SAFETY, Finding
from alerts.rules.docs import render_hazards, render_rules
from alerts.rules.shipped import (
    FORMS,
    SHIPPED,
    RuleError,
    Rules,
    parse_rules,
    read_rules,
    shipped_rules,
)
from alerts.subjects.subject import Context, Subject
from alerts.worker.state import State
from tests.unit.alerts.making import NOW, context, subject, vitals

ROOT = Path(__file__).parents[3]
TEXT = SHIPPED.read_text(encoding="utf-8")


def test_every_rule_names_a_test_that_exists() -> None:
    for rule in shipped_rules().rules.values():
        path, _, name = rule.test.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in names, f"{rule.id}: there is no {rule.test}"


def test_unsourced_limits_are_off_except_what_is_never_filtered() -> None:
    for rule in shipped_rules().rules.values():
        assert rule.on == (not rule.unsourced or rule.kind in LIFE_SAFETY), rule.id
    assert {shipped_rules()[name].on for name in LIFE_SAFETY} == {True}


def test_every_kind_behaves_and_life_safety_never_clears() -> None:
    behaviours = shipped_rules().behaviours
    assert set(behaviours) == set(KINDS)
    assert not any(behaviours[kind].lasting for kind in LIFE_SAFETY)
    assert {rule.kind for rule in shipped_rules().rules.values()} <= set(KINDS)
    assert set(FORMS) == set(shipped_rules().rules)


@pytest.mark.parametrize(
    ("wrong", "right", "line_of", "says"),
    [
        ("severity = 5", "severity = 4", "severity = 5", "rules.help, key severity"),
        ("total = 4", "total = 7", "raise = { total = 4 }", "total must be above"),
        ("totals = 7", "total = 7", "raise = { totals = 7 }", "exactly these limits: total"),
        ("[rules.halp]", "[rules.help]", "[rules.halp]", "nothing called 'halp'"),
        ("hazrd = ", "hazard = ", "hazrd = ", "unknown field `hazrd`"),
        ('kind = "hlep"', 'kind = "help"', 'kind = "hlep"', "it is 'help', and cannot be 'hlep'"),
        ("lower_after_min = -1", "lower_after_min = 15", "lower_after_min = -1", "key lower_after"),
        ("late_after_min = 0\n", "late_after_min = 30\n", "late_after_min = 0", "above 0"),
        ("nonsense = 1\n\n[episodes.help]", "[episodes.help]", "nonsense", "no such section"),
        (
            'kind = "smoke"\nenabled = false',
            'kind = "smoke"',
            "enabled = false",
            "a life-safety event is never filtered",
        ),
        # A file cannot make one rule another, nor silence a call for help by any other key.
        ('kind = "limit"\nenabled = false', 'kind = "help"', 'kind = "limit"', "cannot be 'limit'"),
        ('kind = "fall"\nseverity = 3', 'kind = "fall"\nseverity = 4', "severity = 3", "always 4"),
        ("lasting = true", "lasting = false", "lasting = true", "until a person closes it"),
        # Contradictory limits, and what would make "never filtered" wait.
        (
            "raise = { total = 5 }\nlower = { total = 6 }",
            "raise = { total = 5 }",
            "lower = { total = 6 }",
            "dangerous side of 5",
        ),
        (
            "raise = { glucose = 3.9 }\nclear = { glucose = 3.5 }",
            "raise = { glucose = 3.9 }",
            "clear = { glucose = 3.5 }",
            "dangerous side of 3.9",
        ),
        (
            "raise = { total = 5, for_min = -1 }",
            "raise = { total = 5 }",
            "for_min = -1",
            "for_min must be from 0",
        ),
        (
            'kind = "help"\nconfirm_within_min = 5',
            'kind = "help"',
            "confirm_within_min = 5",
            "no repeat is asked",
        ),
        (
            "raise = { total = 7 }\nconfirm_within_min = 5",
            "raise = { total = 7 }",
            "confirm_within_min = 5",
            "no repeat is asked",
        ),
        (
            "raise = { glucose = 3.0 }\nconfirm_within_min = 5",
            "raise = { glucose = 3.0 }",
            "confirm_within_min = 5",
            "no repeat is asked",
        ),
        (
            "raise = { total = 7 }\nenabled = false",
            "raise = { total = 7 }",
            "enabled = false",
            "always on",
        ),
        ('kind = "fall"\nraise = { for_min = 5 }', 'kind = "fall"', "for_min = 5", "at once"),
        (
            'kind = "spo2"\ninhibits = ["fall"]',
            'kind = "spo2"',
            'inhibits = ["fall"]',
            "never filtered",
        ),
        (
            'kind = "spo2"\ninhibits = ["spo2"]',
            'kind = "spo2"',
            'inhibits = ["spo2"]',
            "hide itself",
        ),
        (
            'kind = "spo2"\ninhibits = ["sp02"]',
            'kind = "spo2"',
            'inhibits = ["sp02"]',
            "no kind 'sp02'",
        ),
        (
            'changed_by = "coordinator"\nsource = "Never filtered: a',
            'changed_by = "nobody"\nsource = "Never filtered: a',
            'changed_by = "coordinator"',
            "it is 'nobody'",
        ),
        (
            'kind = "limit"\nenabled = false\nseverity = 3',
            'kind = "limit"\nseverity = 3',
            "enabled = false",
            "nobody may change it",
        ),
        (
            "repeat_within_min = 10000",
            "repeat_within_min = 1\n",
            "repeat_within_min = 10000",
            "again",
        ),
        # Numbers that no comparison would ever meet.
        ("glucose = nan", "glucose = 3.0", "{ glucose = nan }", "glucose must be from 3 to 10"),
        ("glucose = -5", "glucose = 3.0", "{ glucose = -5 }", "glucose must be from 3 to 10"),
        ("total = inf", "total = 7", "raise = { total = inf }", "total must be from 1 to 7"),
        ("systolic = 9999", "systolic = 180", "systolic = 9999", "systolic must be from 100"),
        ("again_after_min = inf", "again_after_min = 60", "again_after_min = inf", "key again"),
        ("again_after_min = nan", "again_after_min = 60", "again_after_min = nan", "key again"),
        ("known_for_min = nan", "known_for_min = 4320", "known_for_min = nan", "key known"),
        *(
            (
                f"[episodes.{kind}]\nknown_for_min = 60",
                f"[episodes.{kind}]",
                "known_for_min = 60",
                "told again, whatever was recorded",
            )
            for kind in ("help", "news2", "glucose", "limit", "technical")
        ),
        ("late_after_min = nan\n", "late_after_min = 30\n", "late_after_min = nan", "above 0"),
        ("late_after_min = true\n", "late_after_min = 30\n", "late_after_min = true", "above 0"),
        (
            'kind = "news2"\nseverity = 1',
            'kind = "news2"\nseverity = 4',
            "severity = 1",
            "no milder than news2_medium",
        ),
    ],
)
def test_a_wrong_rule_is_refused_by_name_and_line(
    wrong: str, right: str, line_of: str, says: str
) -> None:
    assert right in TEXT
    text = TEXT.replace(right, wrong, 1)
    with pytest.raises(RuleError) as refused:
        parse_rules(text, name="mine.toml")
    message = str(refused.value)
    assert says in message
    numbers = [number for number, line in enumerate(text.splitlines(), 1) if line_of in line]
    assert message.startswith(f"mine.toml, line {numbers[0]}:"), message


def test_a_missing_rule_and_no_toml_are_refused(tmp_path: Path) -> None:
    start = TEXT.index("[rules.assessment_failed]")
    with pytest.raises(RuleError, match=r"rules.assessment_failed: it is missing"):
        parse_rules(TEXT[:start])
    with pytest.raises(RuleError, match="is not TOML"):
        parse_rules("[[[")
    with pytest.raises(RuleError, match="cannot be read"):
        read_rules(tmp_path / "absent.toml")


@pytest.mark.parametrize(("name", "render"), [("rules", render_rules), ("hazards", render_hazards)])
def test_the_documents_are_up_to_date(name: str, render: Callable[[Rules], str]) -> None:
    written = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert written == render(shipped_rules()), f"render docs/{name}.md again"


def test_a_rule_that_fails_for_one_is_applied_to_the_others() -> None:
    def failing(
        subjects: Sequence[Subject], context: Context
    ) -> Iterable[tuple[int, Finding | datetime]]:
        if any(one.id == 2 for one in subjects):
            raise KeyError("secret value")
        return RULES["news2"](subjects, context)

    people = [subject(*vitals(pulse=135.0)) for _ in range(3)]
    for number, one in enumerate(people, 1):
        one.id = number
    said = assess(people, context(), {"news2": failing})
    assert [[f.kind for f in one.findings] for one in said] == [["news2"], ["technical"], ["news2"]]
    assert [one.failed for one in said] == [False, True, False]
    assert said[1].findings[0].params == {"rule": "news2", "error": "KeyError"}
    assert min(said[1].due.values()) > NOW


def test_a_subject_of_whom_nothing_is_known_is_no_failure() -> None:
    (said,) = assess([Subject(id=0, kind="unknown")], context())
    assert (said.findings, said.due, said.failed) == ([], {}, False)


def test_what_is_remembered_comes_back_the_same() -> None:
    state = State(heard={"7": NOW}, silence_at=NOW, retry=(NOW, NOW))
    quiet = {("silence", "gate way/de vice"): Quiet(NOW, 2), ("news2", ""): Quiet(NOW, 0)}
    beyond = {"limit client_limit pulse": NOW}
    state.remember(Step(quiet=quiet, beyond=beyond))
    again = State.read(msgspec.json.decode(state.write()))
    assert again == state
    assert again.quiet_by_key() == quiet
    assert again.beyond == beyond
    assert State.read({}) == State()
