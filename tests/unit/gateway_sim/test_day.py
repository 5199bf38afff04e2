"""A day in a home: repeatable, in order, inside the day, on odd nights too."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from gateway_sim.county import County
from gateway_sim.day import at_hour, local_midnight
from gateway_sim.measuring import measured_day

COUNTY = County(7, 12)
days = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@given(day=days, home=st.integers(0, 11))
@settings(max_examples=60, deadline=None)
def test_a_day_is_in_order_and_inside_itself(day: date, home: int) -> None:
    readings = COUNTY.ambient(COUNTY.homes[home], day)
    start, end = local_midnight(day), local_midnight(day + timedelta(days=1))
    assert readings == COUNTY.ambient(COUNTY.homes[home], day)
    times = [reading.time for reading in readings]
    assert times == sorted(times)
    assert start <= times[0]
    assert times[-1] < end
    keys = Counter((reading.device, reading.metric, reading.time) for reading in readings)
    assert max(keys.values()) == 1, "a device says one thing of a metric at a time"
    known = {model.name for model in COUNTY.homes[home].devices}
    for reading in readings:
        assert reading.device in known
        low, high = catalogue()[reading.metric].possible
        assert low <= reading.value <= high


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 3, 30), 24), (date(2026, 10, 25), 25)]
)
def test_the_nights_on_which_the_clock_changes(day: date, hours: int) -> None:
    start, end = local_midnight(day), local_midnight(day + timedelta(days=1))
    assert end - start == hours * 3600
    climate = [r for r in COUNTY.ambient(COUNTY.homes[0], day) if r.metric == "humidity"]
    assert len(climate) in (hours * 4, hours * 4 + 1)
    assert at_hour(day, 12.0) - start == (hours - 12) * 3600


def test_a_home_is_about_as_lively_as_real_ones() -> None:
    # TIHM's homes: 619,538 events of rooms and doors in 45 homes and 75 days, 184 a home and day.
    counts = []
    for number in range(30):
        readings = COUNTY.ambient(COUNTY.homes[0], date(2026, 2, 1) + timedelta(days=number))
        counts.append(
            sum(r.metric == "motion" or (r.metric == "door" and r.value == 1) for r in readings)
        )
    assert 120 < sum(counts) / len(counts) < 250
    assert max(counts) > min(counts) + 20


@given(day=days)
@settings(max_examples=20, deadline=None)
def test_people_measure_by_hand_every_day(day: date) -> None:
    by_hand = County(7, 6, monitors=0.0)
    readings = measured_day(by_hand, by_hand.homes[0], day)
    metrics = Counter(reading.metric for reading in readings)
    assert metrics == {
        "systolic": 2, "diastolic": 2, "pulse": 4, "spo2": 2, "temperature": 1, "weight": 1,
    }  # fmt: skip
