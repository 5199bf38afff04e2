"""Simulated homes beside recorded ones: the distances, the split, the fit."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from gateway_sim.comparing import (
    PLACES,
    Homes,
    Sample,
    compare,
    dead_time,
    jensen_shannon,
    joined,
    score,
    simulated_homes,
    statistics,
    wasserstein,
    yardsticks,
)
from gateway_sim.fitting import changed, fit, numbers, write
from gateway_sim.recorded import recorded_homes
from gateway_sim.routine import load_routine, routine

GUESS = Path("gateway_sim/day.guess.toml")
FEW = simulated_homes(routine(), homes=8, days=8)
numbers_ = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


def sample(values: list[float]) -> Sample:
    return Sample(np.array(values), np.ones(len(values)))


def test_distances_of_what_is_known() -> None:
    assert wasserstein(sample([0.0, 1.0]), sample([5.0, 6.0])) == pytest.approx(5.0)
    assert wasserstein(sample([0.0, 0.0, 3.0]), sample([0.0])) == pytest.approx(1.0)
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 7.0])) == pytest.approx(1.0)
    assert jensen_shannon(np.array([2.0, 2.0]), np.array([1.0, 1.0])) == 0.0


@given(one=numbers_, other=numbers_, shift=st.floats(-100, 100))
def test_wasserstein_is_a_distance(one: list[float], other: list[float], shift: float) -> None:
    a, b = sample(one), sample(other)
    assert wasserstein(a, a) == pytest.approx(0.0, abs=1e-9)
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a), abs=1e-6)
    moved = sample([value + shift for value in one])
    assert wasserstein(a, moved) == pytest.approx(abs(shift), abs=1e-6)


def test_every_home_counts_the_same() -> None:
    """A home recorded three times as long moves no statistic."""
    longer = np.isin(FEW.home, FEW.names[:1])
    again = [FEW] + [
        Homes(FEW.home[longer], FEW.place[longer], FEW.day[longer] + 100 * n, FEW.hour[longer])
        for n in (1, 2)
    ]
    parts = [np.concatenate([getattr(h, name) for h in again])
             for name in ("home", "place", "day", "hour")]  # fmt: skip
    order = np.lexsort((parts[3], parts[2], parts[0]))
    home, place, day, hour = (column[order] for column in parts)
    for one in statistics():
        assert one.of(Homes(home, place, day, hour), FEW) == pytest.approx(0.0, abs=0.02), one.name


def test_homes_are_like_themselves_and_like_others_of_their_kind() -> None:
    others = simulated_homes(routine(), homes=40, days=8, seed=8)
    yard = yardsticks(others)
    assert score(compare(others, others, yard)) == pytest.approx(0.0)
    assert score(compare(simulated_homes(routine(), homes=40, days=8), others, yard)) < 1.5


def test_recorded_homes_show_how_long_a_motion_sensor_is_blind() -> None:
    assert dead_time(FEW) == pytest.approx(routine().dead_time_s, abs=1.0)


def _tihm(folder: Path, homes: int, days: int) -> None:
    names = [*("Hallway", "Kitchen", "Lounge", "Bedroom", "Bathroom"), "Back Door", "Fridge Door"]
    rows = []
    for home in range(homes):
        for day in range(days):
            for n, name in enumerate(names):
                at = datetime(2019, 3, 28) + timedelta(days=day, hours=9 + n, seconds=home)  # noqa: DTZ001 - as the files are
                rows.append((f"{home:05x}", name, f"{at:%Y-%m-%d %H:%M:%S}"))
    rows.sort(key=lambda row: row[2])
    with (folder / "Activity.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("patient_id", "location_name", "date"))
        writer.writerows(rows)


def test_recorded_homes_are_split_by_home_and_keep_their_clock(tmp_path: Path) -> None:
    _tihm(tmp_path, 40, 12)  # the clocks change on 31 March
    fitted, apart = recorded_homes(tmp_path)
    assert not set(fitted.names) & set(apart.names)
    assert len(fitted) + len(apart) == 40
    assert min(len(fitted), len(apart)) >= 10
    again, _ = recorded_homes(tmp_path)
    assert np.array_equal(again.home, fitted.home)
    everything = joined(fitted, apart)
    assert set(np.floor(everything.hour).tolist()) == set(range(9, 16))
    assert len(np.unique(everything.day)) == 10, "first and last days are parts"
    hours = np.floor(everything.hour[everything.place == PLACES.index("front")])
    assert set(hours.tolist()) == {14.0}


def test_too_few_homes_are_no_comparison(tmp_path: Path) -> None:
    _tihm(tmp_path, 3, 12)
    with pytest.raises(UserError, match="too few homes"):
        recorded_homes(tmp_path)


def test_a_fit_changes_one_number_and_can_be_read_again(tmp_path: Path) -> None:
    plan = load_routine(GUESS)
    values = msgspec.to_builtins(plan)
    keys = list(numbers(values))
    assert ("room", "kitchen", "fires_every_s") in keys
    assert ("room", "hallway", "next", "kitchen") in keys
    assert not any("trips" in key or "low" in key for key in keys)
    for key in keys:
        for way in (1.0, -0.4):
            more = msgspec.convert(changed(values, key, way), type(plan))
            assert more != plan, key
            path = tmp_path / "day.toml"
            path.write_text(write(more, "how"))
            assert load_routine(path) == more


def test_a_fit_finds_back_what_was_changed() -> None:
    key = ("room", "livingroom", "fires_every_s")
    truth = routine()
    away = msgspec.convert(changed(msgspec.to_builtins(truth), key, 1.5), type(truth))
    recorded = simulated_homes(truth, homes=16, days=8, seed=8)
    found = list(fit(away, recorded, keys=[key], steps=(0.5,), homes=16, days=8))
    assert [(step.done, step.of) for step in found] == [(1, 1)]
    lounge = found[0].plan.room["livingroom"].fires_every_s
    ideal = truth.room["livingroom"].fires_every_s
    assert abs(np.log(lounge / ideal)) < np.log(1.5)
    assert found[0].plan.room["kitchen"] == truth.room["kitchen"]


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ("dead_time_s = ", "dead_time_s = -", "dead_time_s"),
        ("fires_every_s = ", "fires_every_s = 0.0 #", "fires_every_s"),
        ("[room.bathroom]", "[room.cellar]", "the rooms are"),
        ("next = { kitchen", "next = { cellar", "no room 'cellar'"),
        ("night_kitchen = ", "night_kitchen = 7.0 #", "night_kitchen"),
    ],
)
def test_an_impossible_routine_is_refused(tmp_path: Path, good: str, bad: str, reason: str) -> None:
    path = tmp_path / "day.toml"
    text = Path("gateway_sim/day.toml").read_text()
    assert good in text
    path.write_text(text.replace(good, bad, 1))
    with pytest.raises(UserError, match=reason):
        load_routine(path)
