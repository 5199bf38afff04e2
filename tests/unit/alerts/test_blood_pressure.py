"""Severe blood pressure, confirmed or left unrepeated."""

from __future__ import annotations

from datetime import datetime

import pytest

from alerts.assess import blood_pressure
from alerts.assess.assess import assess as assess_all
from alerts.finding import Finding, Reading
from tests.unit.alerts.making import NOW, context, minutes, reading, subject


def cuff(systolic: float, diastolic: float, *, ago: float = 0, late: float = 0) -> list[Reading]:
    return [
        reading("systolic", systolic, ago=ago, late=late),
        reading("diastolic", diastolic, ago=ago, late=late),
    ]


def assess(*readings: Reading) -> tuple[list[Finding], list[datetime]]:
    (said,) = assess_all([subject(*readings)], context(), {"blood_pressure": blood_pressure.assess})
    return said.findings, list(said.due.values())


@pytest.mark.parametrize(
    ("systolic", "diastolic", "severe"),
    [(179, 109, False), (180, 90, True), (120, 110, True), (179.5, 80, True), (179.4, 80, False)],
)
def test_limits(systolic: float, diastolic: float, severe: bool) -> None:
    said, _ = assess(*cuff(systolic, diastolic, ago=1), *cuff(systolic, diastolic, ago=5))
    assert bool(said) == severe


def test_the_first_measurement_waits_for_a_second() -> None:
    (finding,), (again,) = assess(*cuff(190, 100, ago=5))
    assert (finding.severity, finding.pages) == (3, 0)
    assert again == NOW + minutes(10)


def test_second_reading_confirms() -> None:
    (finding,), again = assess(*cuff(190, 100, ago=1), *cuff(185, 95, ago=10))
    assert (finding.pages, finding.params["confirmed"], again) == (3, True, [])
    assert finding.params["systolic"] == 190
    assert len(finding.evidence) == 4


def test_one_by_systolic_the_other_by_diastolic_confirm_each_other() -> None:
    (finding,), _ = assess(*cuff(175, 112, ago=1), *cuff(182, 95, ago=10))
    assert finding.pages == 3


def test_a_second_reading_that_is_not_severe_ends_it() -> None:
    assert assess(*cuff(150, 90, ago=1), *cuff(190, 100, ago=10)) == ([], [])


def test_no_second_reading_in_time_pages() -> None:
    (finding,), again = assess(*cuff(190, 100, ago=15))
    assert (finding.pages, finding.params["confirmed"], again) == (3, False, [])


def test_a_reading_long_ago_confirms_nothing() -> None:
    (finding,), (again,) = assess(*cuff(190, 100, ago=1), *cuff(185, 95, ago=60))
    assert finding.pages == 0
    assert again == NOW + minutes(14)


def test_late_measurements_page_nobody() -> None:
    (finding,), _ = assess(*cuff(190, 100, ago=100, late=90))
    assert finding.pages == 0


def test_hi_is_severe() -> None:
    high = [reading("systolic", 170, ago=20, qualifier=1)]
    (finding,), _ = assess(*high)
    assert finding.pages == 3
