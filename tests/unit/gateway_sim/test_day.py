"""A day in all homes: repeatable, in order, inside the day, on odd nights too."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.catalogue import catalogue
from core.clock import LOCAL
from gateway_sim.county import County
from gateway_sim.day import CHANNELS, ambient_day
from gateway_sim.illness import Illness, Illnesses
from gateway_sim.localtime import at_hour, local_midnight

COUNTY = County(7, 12)
days = st.dates(date(2020, 1, 1), date(2035, 12, 31))


def ambient(county: County, day: date, ill: Illnesses | None = None) -> NDArray[np.void]:
    return ambient_day(county.dwellers, day, ill or Illnesses())


def of_home(events: NDArray[np.void], home: int) -> NDArray[np.void]:
    own: NDArray[np.void] = events[events["home"] == home]
    return own


def counted(events: NDArray[np.void], device: str, value: float = 1.0) -> int:
    channels = [n for n, (name, _) in enumerate(CHANNELS) if name.startswith(device)]
    return int((np.isin(events["channel"], channels) & (events["value"] == value)).sum())


@given(day=days)
@settings(max_examples=20, deadline=None)
def test_a_day_is_in_order_and_inside_itself(day: date) -> None:
    events = ambient(COUNTY, day)
    start, end = local_midnight(day), local_midnight(day + timedelta(days=1))
    assert np.array_equal(events, ambient(COUNTY, day))
    assert start <= events["time"].min()
    assert events["time"].max() < end
    assert np.array_equal(events["time"], np.round(events["time"], 3))
    for home in COUNTY.homes:
        own = of_home(events, home.number)
        assert (np.diff(own["time"]) >= 0).all()
        known = {model.name for model in home.devices}
        for channel in np.unique(own["channel"]).tolist():
            device, metric = CHANNELS[channel]
            said = own[own["channel"] == channel]
            assert device in known
            assert (np.diff(said["time"]) > 0).all(), "a device says one thing at a time"
            low, high = catalogue()[metric].possible
            assert ((said["value"] >= low) & (said["value"] <= high)).all()


@given(day=days)
@settings(max_examples=10, deadline=None)
def test_a_home_is_the_same_in_any_county(day: date) -> None:
    large = ambient(COUNTY, day)
    small = ambient(County(7, 4), day)
    assert np.array_equal(large[large["home"] < 4], small)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 3, 30), 24), (date(2026, 10, 25), 25)]
)
def test_the_nights_on_which_the_clock_changes(day: date, hours: int) -> None:
    start, end = local_midnight(day), local_midnight(day + timedelta(days=1))
    assert end - start == hours * 3600
    climate = counted(of_home(ambient(COUNTY, day), 0), "motion-bathroom", 94.0)
    assert climate == 1
    humidity = CHANNELS.index(("climate-livingroom", "humidity"))
    own = of_home(ambient(COUNTY, day), 0)
    assert (own["channel"] == humidity).sum() in (hours * 4 - 1, hours * 4)
    assert at_hour(day, 12.0) - start == (hours - 12) * 3600
    for hour in (1.0, 2.5, 4.5, 23.0):
        naive = datetime(day.year, day.month, day.day, tzinfo=LOCAL) + timedelta(hours=hour)
        assert at_hour(day, hour) == naive.timestamp()


def test_a_home_is_about_as_lively_as_real_ones() -> None:
    # TIHM's homes: 619,538 events of rooms and doors in 45 homes and 75 days, 184 a home and day.
    counts = []
    for number in range(30):
        own = of_home(ambient(COUNTY, date(2026, 2, 1) + timedelta(days=number)), 0)
        counts.append(counted(own, "motion-") + counted(own, "door-"))
    assert 120 < sum(counts) / len(counts) < 250
    assert max(counts) > min(counts) + 20


def test_an_illness_is_seen_in_what_somebody_does() -> None:
    county, day = County(7, 300), date(2026, 2, 10)
    noon = local_midnight(day) + 43_200.0

    def change(kind: str, hours: float, device: str) -> float:
        ill = Illnesses([Illness(kind, n, noon - hours * 3600) for n in range(len(county.people))])
        return counted(ambient(county, day, ill), device) / counted(ambient(county, day), device)

    assert change("urinary_infection", 84, "motion-bathroom") > 1.4
    assert change("heart_failure", 140, "bed-") > 1.3
    assert change("influenza", 60, "door-fridge") < 0.7
    assert change("fall_and_lying", 1, "motion-") < 0.2
    assert change("hard_workout", 1, "motion-") == 1.0
