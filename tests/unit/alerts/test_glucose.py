"""Hypoglycaemia."""

from __future__ import annotations

import pytest

from alerts.assess import glucose
from core.catalogue import catalogue
from tests.unit.alerts.making import context, findings, reading, subject


@pytest.mark.parametrize(
    ("value", "level"),
    [(3.9, None), (3.8, 1), (3.0, 1), (2.9, 2), (1.1, 2), (5.0, None)],
)
def test_levels(value: float, level: int | None) -> None:
    said = findings(glucose.assess([subject(reading("glucose", value))], context()))
    expected = [] if level is None else [(level, {1: 3, 2: 4}[level])]
    assert [(f.params["level"], f.severity) for f in said] == expected
    assert all(finding.pages == finding.severity for finding in said)


@pytest.mark.parametrize(("mg_dl", "level"), [(70, None), (69, 1), (54, 1), (53, 2)])
def test_levels_hold_in_the_other_unit_too(mg_dl: float, level: int | None) -> None:
    # ADA: level 1 below 70 mg/dL, level 2 below 54 mg/dL; 70 is stored as 3.8857 mmol/L.
    conversion = catalogue()["glucose"].conversion("mg/dL")
    assert conversion is not None
    value = mg_dl * conversion.factor + conversion.offset
    said = findings(glucose.assess([subject(reading("glucose", value))], context()))
    assert [finding.params["level"] for finding in said] == ([level] if level else [])


def test_lo_is_level_2_wherever_the_meter_ends() -> None:
    one = subject(reading("glucose", 4.4, qualifier=-1))
    (finding,) = findings(glucose.assess([one], context()))
    assert (finding.params["level"], finding.pages) == (2, 4)


def test_a_late_value_pages_nobody() -> None:
    one = subject(reading("glucose", 2.5, ago=100, late=95))
    (finding,) = findings(glucose.assess([one], context()))
    assert (finding.severity, finding.pages) == (4, 0)


def test_a_low_value_is_not_unsaid_by_a_better_one_in_the_same_message() -> None:
    one = subject(reading("glucose", 5.0, ago=0), reading("glucose", 2.5, ago=5))
    (finding,) = findings(glucose.assess([one], context()))
    assert (finding.params["value"], finding.params["level"], finding.pages) == (2.5, 2, 4)


def test_a_low_value_that_is_long_over_is_history() -> None:
    one = subject(reading("glucose", 5.0, ago=0), reading("glucose", 2.5, ago=45))
    assert findings(glucose.assess([one], context())) == []
