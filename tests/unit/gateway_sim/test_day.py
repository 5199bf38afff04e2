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
from gateway_sim.ambient import CHANNELS
from gateway_sim.county import County
from gateway_sim.day import ambient_day
from gateway_sim.illness import Illness, Illnesses
from gateway_sim.localtime import EPOCH, at_hour, local_day, local_midnight
from gateway_sim.routine import ROOMS, routine

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


HOMES = County(7, 300)
DAY = date(2026, 2, 10)
MIDNIGHT = local_midnight(DAY)
USUAL = ambient(HOMES, DAY)


def with_all(kind: str, hours: float, worst: float = 1.0) -> NDArray[np.void]:
    """The day on which everybody has had something for so many hours at midnight."""
    onset = MIDNIGHT - 3600.0 * hours
    everybody = range(len(HOMES.people))
    return ambient(HOMES, DAY, Illnesses([Illness(kind, n, onset, worst) for n in everybody]))


def part(events: NDArray[np.void], start: float, end: float) -> NDArray[np.void]:
    """Events between two hours of the day."""
    hours = (events["time"] - MIDNIGHT) / 3600.0
    some: NDArray[np.void] = events[(hours >= start) & (hours < end)]
    return some


def change(kind: str, hours: float, device: str, start: float = 0.0, end: float = 24.0) -> float:
    """How many times as often a device speaks, between two hours of the day."""
    ill = counted(part(with_all(kind, hours), start, end), device)
    return ill / max(counted(part(USUAL, start, end), device), 1)


@pytest.mark.parametrize(
    ("kind", "hours", "device", "span", "low", "high"),
    [
        ("urinary_infection", 72, "motion-bathroom", (0, 5), 1.5, 6.0),
        ("urinary_infection", 72, "motion-bathroom", (9, 19), 1.3, 4.0),
        ("heart_failure", 140, "motion-livingroom", (0, 5), 2.0, 1e6),
        ("heart_failure", 140, "bed-", (21, 24), 0.0, 0.35),
        ("influenza", 24, "door-fridge", (10, 20), 0.2, 0.8),
        ("influenza", 24, "motion-", (0, 24), 0.2, 0.7),
        ("pneumonia", 100, "motion-", (0, 24), 0.1, 0.5),
        ("pneumonia", 100, "door-front", (8, 20), 0.0, 0.05),
        ("copd_exacerbation", 100, "motion-", (9, 20), 0.2, 0.8),
        ("dehydration", 60, "motion-bathroom", (9, 20), 0.1, 0.7),
        ("slow_decline", 1440, "motion-", (9, 20), 0.2, 0.6),
        ("night_wandering", 30, "motion-", (0, 5), 1.5, 10.0),
        ("night_wandering", 30, "door-front", (0, 3), 30.0, 1e6),
        ("missed_medication", 80, "motion-", (0, 24), 1.0, 1.0),
        ("hypoglycaemia", -12, "motion-", (0, 12), 1.0, 1.0),
        ("guests", 5, "motion-", (9, 22), 1.2, 5.0),
        ("new_pet", 100, "motion-", (0, 5), 1.3, 50.0),
        ("bad_night", -1, "bed-", (1, 6), 1.2, 4.0),
        ("recovery", 24, "motion-", (9, 20), 0.3, 0.8),
        ("hard_workout", 1, "motion-", (0, 24), 1.0, 1.0),
    ],
)
def test_an_illness_is_seen_in_what_somebody_does(
    kind: str, hours: float, device: str, span: tuple[float, float], low: float, high: float
) -> None:
    assert low <= change(kind, hours, device, *span) <= high


@pytest.mark.parametrize("kind", ["holiday", "hospital_stay"])
def test_an_empty_home_is_still_but_its_walls_go_on(kind: str) -> None:
    events = with_all(kind, 24)
    assert counted(events, "motion-") + counted(events, "door-") + counted(events, "bed-") == 0
    climate = np.isin(events["channel"], [n for n, (d, _) in enumerate(CHANNELS) if "climate" in d])
    assert climate.sum() > 90 * len(HOMES.homes)


def test_one_leaves_through_the_door_and_comes_back() -> None:
    leaving = with_all("hospital_stay", -11)
    assert counted(part(leaving, 10.5, 11.5), "door-front") >= 300
    assert counted(part(leaving, 11.5, 24), "motion-") == 0
    early = with_all("home_early", 48 - 15)
    assert counted(part(early, 0, 14.5), "motion-") == 0
    assert counted(part(early, 15.5, 24), "motion-") > 300 * 5, "movement during 'hospital'"


def test_who_lies_after_a_fall_does_nothing_until_helped() -> None:
    lying = with_all("fall_and_lying", -13)
    before, during, after = (part(lying, *span) for span in ((0, 12.99), (13.2, 15.9), (17, 21)))
    assert np.array_equal(before, part(USUAL, 0, 12.99))
    assert counted(during, "motion-") + counted(during, "door-") + counted(during, "bed-") == 0
    assert counted(after, "motion-") > 0
    up = with_all("fall_and_up", -13)
    assert counted(part(up, 13.5, 20), "motion-") > 0.3 * counted(part(USUAL, 13.5, 20), "motion-")


def test_a_moved_sensor_misses_most_and_only_there() -> None:
    assert change("moved_sensor", 24, "motion-livingroom") < 0.3
    assert change("moved_sensor", 24, "motion-kitchen") == 1.0


def test_a_heat_wave_warms_the_rooms() -> None:
    warm = CHANNELS.index(("climate-livingroom", "room_temperature"))
    hot, usual = (
        e["value"][e["channel"] == warm].max() for e in (with_all("dehydration", 60), USUAL)
    )
    assert hot > usual + 6


def test_a_motion_sensor_is_blind_for_a_while() -> None:
    for channel in range(len(ROOMS)):
        own = USUAL[USUAL["channel"] == channel]
        same = np.diff(own["home"]) == 0
        assert np.diff(own["time"])[same].min() >= routine().dead_time_s - 0.002


def test_homes_and_days_differ() -> None:
    days = [ambient(HOMES, date(2026, 2, 2) + timedelta(days=n)) for n in range(7)]
    table = np.array(
        [[counted(of_home(day, n), "motion-") for n in range(0, 300, 5)] for day in days]
    )
    between, within = np.log(table).mean(axis=0).std(), np.log(table).std(axis=0).mean()
    assert 0.15 < between < 0.8
    assert 0.05 < within < 0.5


def test_people_rise_as_their_pulse_does() -> None:
    bed = CHANNELS.index(("bed-1", "bed"))
    number = np.full(len(HOMES.people), DAY.toordinal() - EPOCH)
    rises = HOMES.people.rises(np.arange(len(number)), number)
    firsts = [n for n, second in enumerate(HOMES.dwellers.second.tolist()) if not second]
    for person in firsts[:50]:
        own = of_home(USUAL, int(HOMES.dwellers.home[person]))
        ups = own["time"][(own["channel"] == bed) & (own["value"] == 0.0)]
        moment = local_day(DAY).at(rises[person : person + 1])[0]
        assert np.abs(ups - moment).min() < 1.0
