"""What a client's record does: limits of care, medicines, falls, own rules."""

from __future__ import annotations

from datetime import date

import pytest

from alerts.assess import glucose, news, record_rules
from alerts.assess.assess import assess
from alerts.rules.rule import RuleError
from alerts.rules.shipped import shipped_rules
from alerts.subjects import events
from alerts.subjects.own_rules import check_document, own_rules
from alerts.subjects.subject import Client, Subject
from core.errors import RegistryError
from core.record import CareLimit, CareLimits, Dose, OnPathway, OwnRule, Record
from core.registry import parse_document
from core.registry_check import check_document as check_registry
from tests.unit.alerts.making import context, findings, reading, subject, vitals

HIGH = {"pulse": 135.0, "respiratory_rate": 26.0, "spo2": 90.0}


def agreed(*limits: CareLimit, review_on: date = date(2026, 1, 1)) -> Client:
    care = CareLimits(limits, "Dr Who", date(2025, 1, 1), review_on)
    return Client(born=date(1940, 1, 1), oxygen_prescribed=False, record=Record(care_limits=care))


@pytest.mark.parametrize(
    ("limits", "pages"),
    [(("palliative",), 1), (("no_transfer",), 3), (("no_cpr",), 4), (("no_cpr", "palliative"), 1)],
)
def test_limits_of_care_restrict_clinical_paging(limits: tuple[CareLimit, ...], pages: int) -> None:
    one = subject(*vitals(**HIGH), client=agreed(*limits))
    (said,) = assess([one], context(), {"news2": news.assess})
    (finding,) = said.findings
    assert (finding.severity, finding.pages) == (4, pages)
    assert finding.params["care_limits"] == list(limits)


def test_limits_of_care_never_restrict_a_call_for_help_nor_low_glucose() -> None:
    called = [reading(kind, 1) for kind in ("help", "fall", "smoke", "carbon_monoxide")]
    one = subject(reading("glucose", 2.5), client=agreed("palliative", "no_transfer"))
    one.events = called
    (said,) = assess([one], context(), {"events": events.assess, "glucose": glucose.assess})
    assert [(one.pages, "care_limits" in one.params) for one in said.findings] == [(4, False)] * 5


def test_limits_of_care_whose_review_is_due_restrict_nothing() -> None:
    one = subject(*vitals(**HIGH), client=agreed("palliative", review_on=date(2025, 3, 3)))
    (said,) = assess([one], context(), {"news2": news.assess})
    assert said.findings[0].pages == 4


def test_medicines_are_said_with_what_they_change() -> None:
    takes = Client(born=date(1940, 1, 1), record=Record(medicines=("insulin", "anticoagulant")))
    one = subject(reading("glucose", 3.5), client=takes)
    one.events = [reading("fall", 1), reading("help", 1)]
    (low,) = findings(glucose.assess([one], context()))
    assert low.params["medicines"] == ["insulin"]
    said = {finding.key: finding.params for finding in findings(events.assess([one], context()))}
    assert said["fall"]["medicines"] == ["anticoagulant"]
    assert "medicines" not in said["help"]


@pytest.mark.parametrize(("before", "told"), [(None, False), (0, False), (1, True), (4, True)])
def test_repeated_falls(before: int | None, told: bool) -> None:
    one = subject(falls_before=before)
    one.events = [reading("fall", 1)]
    said = findings(record_rules.assess([one], context()))
    assert [(f.kind, f.severity, f.params["falls"]) for f in said] == (
        [("falls", 1, (before or 0) + 1)] if told else []
    )


def test_a_clinician_sets_a_rule_for_one_client() -> None:
    record = Record(
        rules=(
            OwnRule("outside_door", "Dr Who", enabled=True, limits={"away_min": 30}),
            OwnRule("hypoglycaemia_level_1", "Dr Who", raise_={"glucose": 5.0}),
        )
    )
    rules = own_rules(record, shipped_rules())
    assert rules["outside_door"].speaks
    assert rules["outside_door"].limits["away_min"] == 30
    assert rules["outside_door"].limits["from_hour"] == 22
    assert rules["hypoglycaemia_level_1"].clears["glucose"] == 5.0


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (OwnRule("nonsense", "x"), "nothing called so"),
        (OwnRule("help", "x", enabled=False), "a clinician cannot change it"),
        (OwnRule("news2_high", "x", enabled=False), "a clinician cannot change it"),
        (OwnRule("weight_gain", "x", raise_={"kg": 500}), "must be from"),
        (OwnRule("weight_gain", "x", raise_={"kg": float("nan")}), "must be from"),
        (OwnRule("weight_gain", "x", limits={"kg": 2}), "no limit called"),
        (OwnRule("weight_gain", "x", clear={"kg": 3}), "dangerous side"),
    ],
)
def test_an_own_rule_that_cannot_be_used_is_refused(rule: OwnRule, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        own_rules(Record(rules=(rule,)), shipped_rules())


def test_an_own_rule_that_cannot_be_used_any_more_is_told() -> None:
    one = Subject(id=1, rules_error="the rule 'x' set by y: there is nothing called so.")
    (finding,) = findings(record_rules.assess([one], context()))
    assert (finding.kind, finding.pages) == ("technical", 3)


CLIENT = """
{"homes": [{"name": "h", "area": "a", "gateway": "g", "clients": [
  {"reference": "c", "given_name": "A", "family_name": "B", "born": "1940-01-01",
   "conditions": CONDITIONS, "record": RECORD}]}]}
"""


def document(record: str, conditions: str = "[]") -> str:
    return CLIENT.replace("RECORD", record).replace("CONDITIONS", conditions)


def test_a_whole_record_is_read() -> None:
    (home,) = parse_document(
        document(
            """{"oxygen_flow": 2, "medicines": ["insulin"], "usual_cognition": "forgets names",
            "frail": true, "pathways": [{"name": "respiratory_infection", "since": "2025-03-01",
            "until": "2025-03-14"}], "doses": [{"medicine": "levodopa", "at": "08:00",
            "window_minutes": 60, "critical": true}], "rules": [{"rule": "outside_door",
            "set_by": "Dr Who", "enabled": true, "raise": {}}],
            "care_limits": {"agreed": ["no_cpr"], "agreed_by": "Dr Who",
            "agreed_on": "2025-01-01", "review_on": "2026-01-01"}}"""
        )
    ).homes
    record = home.clients[0].record
    assert record.pathways == (
        OnPathway("respiratory_infection", date(2025, 3, 1), date(2025, 3, 14)),
    )
    assert record.doses == (Dose("levodopa", "08:00", 60, critical=True),)
    assert record.care_agreed(date(2025, 6, 1)) == ("no_cpr",)
    assert record.care_agreed(date(2026, 1, 1)) == ()


@pytest.mark.parametrize(
    ("record", "conditions", "says"),
    [
        ('{"frial": true}', "[]", "frial"),
        ('{"medicines": ["aspirin"]}', "[]", "aspirin"),
        ('{"doses": [{"medicine": "x", "at": "24:00", "window_minutes": 1}]}', "[]", "at"),
        ("{}", '["hypertenion"]', "write 'hypertension'"),
        ("{}", '["Atrial fibrilation"]', "write 'atrial fibrillation'"),
        (
            (
                '{"care_limits": {"agreed": ["no_cpr"], "agreed_by": "x",'
                ' "agreed_on": "2025-01-02",'
                ' "review_on": "2025-01-01"}}'
            ),
            "[]",
            "review is before",
        ),
        (
            (
                '{"care_limits": {"agreed": [], "agreed_by": "x", "agreed_on": "2025-01-01",'
                ' "review_on": "2026-01-01"}}'
            ),
            "[]",
            "without any",
        ),
        (
            (
                '{"pathways": [{"name": "respiratory_infection", "since": "2025-03-02",'
                ' "until": "2025-03-01"}]}'
            ),
            "[]",
            "ends before it begins",
        ),
        (
            '{"rules": [{"rule": "weight_gain", "set_by": "x", "raise": {"kg": 99}}]}',
            "[]",
            "must be from 0.5 to 20",
        ),
    ],
)
def test_a_record_that_is_wrong_is_refused(record: str, conditions: str, says: str) -> None:
    with pytest.raises(RegistryError, match=says):
        take(document(record, conditions))


def take(text: str) -> None:
    """Every check that an import makes before it asks the database."""
    found = parse_document(text)
    check_registry(found)
    check_document(found, shipped_rules())


def test_a_condition_that_only_resembles_another_is_kept() -> None:
    take(document("{}", '["hypotension", "Hypertension"]'))
