"""Rules for trends: shown, never an alert."""

from __future__ import annotations

from datetime import timedelta

from alerts.assess import glucose
from alerts.assess.assess import assess
from alerts.assess.trending import Value, trends
from alerts.rules.shipped import shipped_rules
from tests.unit.alerts.making import NOW, context, reading, subject
from tests.unit.alerts.test_standing import changed

ON = changed(home_blood_pressure="enabled = true")


def days(*values: float) -> list[Value]:
    return [Value(NOW - place * timedelta(days=1), value) for place, value in enumerate(values)]


def test_high_glucose_is_a_trend_only() -> None:
    values = {"glucose": days(14.0, 13.9, 15.2, 6.0)}
    (trend,) = trends(values, shipped_rules(), {}, now=NOW)
    assert (trend.key, trend.params) == ("glucose_high", {"count": 2, "of": 4, "limit": 13.9})
    assert trends({"glucose": days(13.9)}, shipped_rules(), {}, now=NOW) == []
    (said,) = assess([subject(reading("glucose", 20.0))], context(), {"glucose": glucose.assess})
    assert said.findings == []
    own = changed(glucose_high="raise = { glucose = 16 }")["glucose_high"]
    assert trends(values, shipped_rules(), {"glucose_high": own}, now=NOW) == []


def test_home_blood_pressure_is_the_mean_of_a_week() -> None:
    def mean(*systolic: float, diastolic: float = 80.0) -> list[str]:
        values = {"systolic": days(*systolic), "diastolic": days(*(diastolic for _ in systolic))}
        return [one.key for one in trends(values, ON, {}, now=NOW)]

    assert mean(140, 132, 138, 130) == ["home_blood_pressure"]  # 135
    assert mean(140, 132, 138, 129) == []
    assert mean(120, 120, 120, 120, diastolic=85.0) == ["home_blood_pressure"]
    assert mean(150, 150, 150) == []  # too few
    assert mean(120, 120, 120, 120, 120, 120, 120, 120, 200, 200) == []  # older than a week
    # Its limit has no source at hand, so it is off where nobody switched it on.
    values = {"systolic": days(*[150.0] * 7), "diastolic": days(*[95.0] * 7)}
    assert trends(values, shipped_rules(), {}, now=NOW) == []
