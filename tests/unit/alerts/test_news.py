"""Who is called by a NEWS2 score."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from alerts.assess import news
from alerts.finding import Finding, Reading
from alerts.subjects.subject import Client
from tests.unit.alerts.making import context, findings, reading, subject, vitals


def found(*readings: Reading, client: Client | None = None) -> list[Finding]:
    return findings(news.assess([subject(*readings, client=client)], context()))


@pytest.mark.parametrize(
    ("changed", "severity", "rule"),
    [
        ({}, None, None),
        ({"pulse": 100.0, "temperature": 38.5, "spo2": 94.0, "systolic": 105.0}, None, None),  # 4
        ({"pulse": 135.0}, 2, "news2_single_three"),
        ({"pulse": 120.0, "respiratory_rate": 22.0, "spo2": 95.0}, 3, "news2_medium"),  # 5
        ({"pulse": 135.0, "respiratory_rate": 26.0}, 3, "news2_medium"),  # 6, two threes
        ({"pulse": 135.0, "respiratory_rate": 26.0, "spo2": 95.0}, 4, "news2_high"),  # 7
        ({"consciousness": 1.0}, 2, "news2_single_three"),
    ],
)
def test_severity_follows_the_chart(
    changed: dict[str, float], severity: int | None, rule: str | None
) -> None:
    said = found(*vitals(**changed))
    if severity is None:
        assert said == []
        return
    (finding,) = said
    assert (finding.severity, finding.pages, finding.rule) == (severity, severity, rule)
    assert finding.params["low"] == finding.params["high"]
    assert finding.missing == ()


def test_missing_parameters_are_said_to_be_missing() -> None:
    readings = vitals(pulse=135.0, respiratory_rate=26.0, consciousness=None, oxygen_flow=None)
    (finding,) = found(*readings)
    assert finding.missing == ("oxygen", "consciousness")
    assert (finding.params["low"], finding.params["high"]) == (6, 11)
    assert finding.params["oxygen"] == "unknown"
    assert "consciousness" not in finding.params["points"]


def test_no_oxygen_by_the_care_plan_is_air_and_said_so() -> None:
    plan = Client(born=date(1940, 1, 1), oxygen_prescribed=False)
    (finding,) = found(*vitals(pulse=135.0, oxygen_flow=None), client=plan)
    assert finding.missing == ()
    assert finding.params["oxygen"] == "air_by_plan"
    # What somebody entered is above the plan.
    (finding,) = found(*vitals(pulse=135.0, oxygen_flow=2.0), client=plan)
    assert (finding.params["oxygen"], finding.params["low"]) == ("oxygen", 5)


def test_unknown_oxygen_on_scale_2_asks_for_review() -> None:
    chronic = Client(born=date(1940, 1, 1), spo2_scale=2, oxygen_prescribed=True)
    (finding,) = found(*vitals(spo2=97.0, oxygen_flow=None), client=chronic)
    assert (finding.severity, finding.rule) == (1, "news2_oxygen_unknown")
    assert finding.params["range"]
    assert (finding.params["low"], finding.params["high"]) == (0, 5)
    assert found(*vitals(spo2=96.0, oxygen_flow=None), client=chronic) == []
    assert found(*vitals(spo2=97.0, oxygen_flow=0.0), client=chronic) == []
    (finding,) = found(*vitals(spo2=97.0, oxygen_flow=1.0), client=chronic)
    assert (finding.severity, finding.params["low"]) == (3, 5)


@pytest.mark.parametrize(
    "client",
    [
        Client(born=date(2009, 3, 4)),  # 15, sixteen tomorrow
        Client(born=date(1995, 1, 1), conditions=frozenset({"pregnancy"})),
    ],
)
def test_children_and_pregnancy_are_not_scored(client: Client) -> None:
    assert found(*vitals(pulse=140.0), client=client) == []


def test_sixteen_today_is_scored() -> None:
    assert found(*vitals(pulse=140.0), client=Client(born=date(2009, 3, 3)))


def test_what_a_late_measurement_adds_pages_nobody() -> None:
    # 3 for a pulse that came in time, 3 for breathing measured hours before it came.
    readings = [
        *vitals(pulse=135.0, respiratory_rate=None),
        reading("respiratory_rate", 28, ago=200, late=190),
    ]
    (finding,) = found(*readings)
    assert finding.params["low"] == 6
    assert (finding.severity, finding.pages) == (3, 2)
    alone = [*vitals(respiratory_rate=None), reading("respiratory_rate", 28, ago=200, late=190)]
    (finding,) = found(*alone)
    assert (finding.severity, finding.pages) == (2, 0)


def test_an_old_value_that_came_in_time_counts() -> None:
    readings = [*vitals(temperature=None, pulse=135.0), reading("temperature", 39.5, ago=600)]
    (finding,) = found(*readings)
    assert (finding.params["low"], finding.pages) == (5, 3)


def test_the_trigger_is_the_newest_reading_that_made_the_score() -> None:
    readings = [*vitals(spo2=90.0), reading("temperature", 39.5, ago=60)]
    (finding,) = found(*[r for r in readings if (r.metric, r.value) != ("temperature", 36.8)])
    assert finding.evidence[0].metric == "spo2"
    assert finding.evidence[-1].metric == "temperature"
    assert finding.points["temperature"] == [2, 2]
    assert len(finding.evidence) == 7


def test_lo_and_hi_score_in_the_outermost_band() -> None:
    readings = [*vitals(spo2=None), reading("spo2", 99, qualifier=-1)]
    (finding,) = found(*readings)
    assert finding.params["points"]["spo2"] == [3, 3]


def test_a_batch_is_scored_as_each_alone() -> None:
    people = [
        subject(*vitals(pulse=float(pulse), spo2=float(spo2)))
        for pulse, spo2 in np.random.default_rng(3).integers((30, 85), (150, 100), (200, 2))
    ]
    together = {index: finding.severity for index, finding in news.assess(people, context())}
    alone = {
        index: finding.severity
        for index, one in enumerate(people)
        for _, finding in news.assess([one], context())
    }
    assert together == alone
    assert set(together.values()) >= {2, 3}
