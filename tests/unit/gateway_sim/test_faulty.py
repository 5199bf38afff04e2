"""What faults make of readings, and of gateways."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_sim.county import County
from gateway_sim.devices import REMEMBERS_H
from gateway_sim.effects import renumbered
from gateway_sim.faults import FaultFile, load_faults
from gateway_sim.faulty import KIND_OF, Faulty
from gateway_sim.hearing import Hearing
from gateway_sim.plan import make_plan
from gateway_sim.production import Production
from gateway_sim.reading import Reading
from gateway_sim.scenario import load_scenario

START = datetime(2026, 1, 15, 9, tzinfo=UTC)
ZERO = START.timestamp()
COUNTY = County(7, 6)
PLAN = make_plan(COUNTY, load_scenario("quiet"), START)
HOUR = 3600.0
Key = tuple[int, str, str]


def laid(*faults: dict[str, Any], hours: float = 48, county: County = COUNTY) -> Faulty:
    file = {"name": "t", "description": "…", "hours": hours, "fault": list(faults)}
    return Faulty(county, msgspec.convert(file, FaultFile), START)


@cache
def production() -> Production:
    return Production(COUNTY, PLAN)


def heard(faulty: Faulty, start: float, end: float) -> dict[Key, list[Reading]]:
    """By home, device and metric; hours after the start."""
    found: dict[Key, list[Reading]] = {}
    made = Hearing(production(), faulty).between(ZERO + start * HOUR, ZERO + end * HOUR)
    for home, readings in made.items():
        for reading in readings:
            found.setdefault((home, reading.device, reading.metric), []).append(reading)
    return found


def test_without_faults_gateways_hear_what_devices_say() -> None:
    said = production().between(ZERO, ZERO + 6 * HOUR)
    assert Hearing(production(), laid()).between(ZERO, ZERO + 6 * HOUR) == said


def both(fault: dict[str, Any], metric: str) -> list[tuple[Reading, Reading]]:
    """The readings of a metric without and with a fault that keeps their number, in order."""
    healthy, sick = heard(laid(), 0, 12), heard(laid(fault), 0, 12)
    return [
        pair
        for key, readings in healthy.items()
        if key[2] == metric
        for pair in zip(readings, sick[key], strict=True)
    ]


def during(reading: Reading, start: float, end: float) -> bool:
    return start * HOUR <= reading.time - ZERO < end * HOUR


WHEN = {"from_hours": 3, "until_hours": 6}


def test_a_fault_keeps_to_its_time_and_metric() -> None:
    fault = {"kind": "noise", "metrics": ["pulse"], "size": 9.0, **WHEN}
    for metric in ("pulse", "spo2"):
        for right, shown in both(fault, metric):
            if metric == "spo2" or not during(right, 3, 6):
                assert shown == right
    changed = [shown.value - right.value for right, shown in both(fault, "pulse")
               if during(right, 3, 6)]  # fmt: skip
    assert 7.5 < np.std(changed) < 10.5
    assert all(shown.value == round(shown.value) for _, shown in both(fault, "pulse"))


def test_coarse_drifting_and_limited_values() -> None:
    coarse = {"kind": "coarse", "metrics": ["systolic"], "step": 5.0, **WHEN}
    assert all(shown.value % 5 == 0 for right, shown in both(coarse, "systolic")
               if during(right, 3, 6))  # fmt: skip
    drift = {"kind": "drift", "metrics": ["temperature"], "per_day": 8.0, **WHEN}
    for right, shown in both(drift, "temperature"):
        days = (right.time - ZERO - 3 * HOUR) / 86400 if during(right, 3, 6) else 0.0
        assert shown.value == pytest.approx(right.value + 8.0 * days, abs=0.051)
    limits = {"kind": "limits", "metrics": ["pulse"], "low": 68.0, "high": 72.0, **WHEN}
    marks: Counter[int] = Counter()
    for right, shown in both(limits, "pulse"):
        low, high = right.value < 68, right.value > 72
        if during(right, 3, 6):
            marks[shown.qualifier] += 1
            assert (shown.value, shown.qualifier) == (
                (68.0, -1) if low else (72.0, 1) if high else (right.value, 0)
            )
    assert set(marks) == {-1, 0, 1}


def test_a_stuck_device_repeats_the_last_value_from_before() -> None:
    healthy = heard(laid(), 0, 12)
    sick = heard(laid({"kind": "stuck", "devices": ["wearable"], **WHEN}), 0, 12)
    for key in healthy:
        last = float("nan")
        for right, shown in zip(healthy[key], sick[key], strict=True):
            if during(right, 3, 6) and key[1].startswith("monitor"):
                assert shown.value == last
            else:
                assert shown == right
                last = right.value


def test_sentinels_dropouts_and_doubles_come_as_often_as_they_should() -> None:
    fault = {"kind": "sentinel", "metrics": ["spo2"], "shows": 127.0, "rate": 0.2, **WHEN}
    shown = [shown.value == 127.0 for right, shown in both(fault, "spo2") if during(right, 3, 6)]
    assert 0.15 < np.mean(shown) < 0.25
    healthy = heard(laid(), 3, 6)
    for kind, rate, wanted in (("dropout", 0.25, 0.75), ("double", 0.25, 1.25)):
        sick = heard(laid({"kind": kind, "rate": rate, "devices": ["wearable"], **WHEN}), 3, 6)
        of = [key for key in healthy if key[1].startswith("monitor")]
        share = sum(len(sick[key]) for key in of) / sum(len(healthy[key]) for key in of)
        assert share == pytest.approx(wanted, abs=0.02)
        assert all(set(sick[key]) <= set(healthy[key]) for key in of)


def test_a_battery_runs_down_and_then_there_is_silence() -> None:
    fault = {"kind": "battery", "from_hours": 0, "empty_hours": 40, "devices": ["motion"]}
    sick = heard(laid(fault), 0, 60)
    levels = [r for key, found in sick.items() if key[1:] == ("motion-kitchen", "battery")
              for r in found if r.time < ZERO + 48 * HOUR]  # fmt: skip
    assert levels
    for level in levels:
        left = 1 - (level.time - ZERO) / (40 * HOUR)
        assert level.value == pytest.approx(94 * left, abs=0.51)
    times = [(r.time - ZERO) / HOUR for key, found in sick.items() if key[1].startswith("motion")
             for r in found]  # fmt: skip
    assert not [hour for hour in times if 40 <= hour < 48]
    assert [hour for hour in times if hour >= 48], "a new battery"


def test_clocks_that_drift_jump_and_begin_again() -> None:
    for fault, shows in (
        ({"kind": "clock_drift", "seconds_per_day": -864.0}, (ZERO + 3 * HOUR, 0.99)),
        ({"kind": "clock_jump", "seconds": 3600.0}, (ZERO + 4 * HOUR, 1.0)),
        ({"kind": "clock_reset"}, (0.0, 1.0)),
    ):
        first, pace = shows
        for right, shown in both({**fault, **WHEN, "devices": ["wearable"]}, "pulse"):
            if during(right, 3, 6):
                assert shown.time == pytest.approx(
                    first + pace * (right.time - ZERO - 3 * HOUR), abs=0.001
                )
                assert shown.value == right.value
            else:
                assert shown == right


def test_firmware_that_renumbers() -> None:
    assert [renumbered(name, -1) for name in ("cuff-1", "cuff-2", "motion-kitchen")] == [
        "cuff-0", "cuff-1", "motion-kitchen",
    ]  # fmt: skip
    sick = heard(laid({"kind": "renumber", "devices": ["wearable"], **WHEN}), 3, 6)
    names = {key[1] for key in sick if key[1].startswith("monitor")}
    assert "monitor-0" in names
    assert "monitor-2" not in names


def test_a_power_cut_takes_what_nothing_remembers() -> None:
    cut = {"kind": "power_cut", **WHEN}
    healthy, sick = heard(laid(), 0, 12), heard(laid(cut), 0, 12)
    for key, readings in healthy.items():
        inside = [r for r in readings if during(r, 3, 6)]
        if KIND_OF[key[1]] in REMEMBERS_H:
            assert sick[key] == readings
        else:
            assert sick.get(key, []) == [r for r in readings if r not in inside]
    assert not heard(laid(cut), 3, 5.99)
    faulty = laid(cut)
    everybody = {home.gateway for home in COUNTY.homes}
    assert faulty.down(ZERO + 3 * HOUR) == (everybody, set())
    assert faulty.down(ZERO + 6 * HOUR) == (set(), set())
    assert faulty.restarts(ZERO + 5 * HOUR, ZERO + 6 * HOUR) == everybody
    assert faulty.next_change(ZERO + 3 * HOUR) == ZERO + 6 * HOUR


def test_power_cuts_that_overlap_are_one() -> None:
    healthy = heard(laid(), 0, 12)
    for cuts in (((3, 6), (5, 8)), ((3, 8), (4, 8)), ((3, 8), (4, 5)), ((3, 5), (5, 8))):
        faulty = laid(*({"kind": "power_cut", "from_hours": a, "until_hours": b} for a, b in cuts))
        assert not heard(faulty, 3, 7.99)
        sick = heard(faulty, 0, 12)
        for key, readings in healthy.items():
            if KIND_OF[key[1]] in REMEMBERS_H:
                assert sick[key] == readings


def test_a_gateway_that_is_off_has_no_network_to_miss() -> None:
    faulty = laid(
        {"kind": "power_cut", "from_hours": 3, "until_hours": 6, "areas": ["imatra"]},
        {"kind": "coverage", "from_hours": 4, "until_hours": 8},
        {"kind": "reboot", "from_hours": 10, "until_hours": 13, "times": 2},
    )
    imatra = {home.gateway for home in COUNTY.homes if home.area == "imatra"}
    others = {home.gateway for home in COUNTY.homes} - imatra
    assert imatra
    assert others
    assert faulty.down(ZERO + 5 * HOUR) == (imatra, others)
    assert faulty.down(ZERO + 7 * HOUR) == (set(), imatra | others)
    assert faulty.restarts(ZERO + 10 * HOUR, ZERO + 11 * HOUR) == imatra | others
    assert not faulty.restarts(ZERO + 11 * HOUR, ZERO + 11.5 * HOUR)


@given(cuts=st.lists(st.floats(0, 14 * 3600), min_size=1, max_size=6))
@settings(max_examples=8, deadline=None)
@pytest.mark.parametrize("name", ["storm", "maker"])
def test_any_steps_hear_the_same(name: str, cuts: list[float]) -> None:
    faulty = Faulty(COUNTY, load_faults(name), START - timedelta(hours=22))
    edges = [0.0, *sorted(cuts), 14 * 3600.0]
    hearing = Hearing(production(), faulty)
    pieces: dict[int, list[Reading]] = {}
    for start, end in pairwise(edges):
        for home, readings in hearing.between(ZERO + start, ZERO + end).items():
            pieces.setdefault(home, []).extend(readings)
    whole = Hearing(production(), faulty).between(ZERO, ZERO + 14 * 3600)
    assert {h: Counter(r) for h, r in pieces.items()} == {h: Counter(r) for h, r in whole.items()}


@given(seed=st.integers(0, 2**32), name=st.sampled_from(["calm", "storm", "maker"]))
@settings(max_examples=8, deadline=None)
def test_of_any_seed_healthy_devices_never_go_back_in_time(seed: int, name: str) -> None:
    county = County(seed, 4)
    plan = make_plan(county, load_scenario("quiet"), START)
    faulty = Faulty(county, load_faults(name), START)
    sick = {(fault.gateway, fault.device) for fault in faulty.truth()}
    hearing = Hearing(Production(county, plan), faulty)
    newest: dict[tuple[str, str, str], float] = {}
    for hour in range(0, 30, 3):
        made = hearing.between(ZERO + hour * HOUR, ZERO + (hour + 3) * HOUR)
        for home, readings in made.items():
            gateway = county.homes[home].gateway
            for reading in readings:
                if (gateway, reading.device) not in sick:
                    key = (gateway, reading.device, reading.metric)
                    assert reading.time > newest.get(key, 0.0)
                    newest[key] = reading.time


def test_shares_makers_and_areas_choose_whom_a_fault_meets() -> None:
    county = County(3, 400)
    truth = list(
        laid(
            {"kind": "stuck", "from_hours": 1, "devices": ["wearable"], "makers": ["Bornex"]},
            {"kind": "coverage", "from_hours": 1, "areas": ["imatra"], "share": 0.5},
            county=county,
        ).truth()
    )
    stuck = {fault.gateway for fault in truth if fault.kind == "stuck"}
    assert 0.24 < len(stuck) / 400 < 0.36, "three homes in ten have Bornex's"
    imatra = [home.gateway for home in county.homes if home.area == "imatra"]
    away = {fault.gateway for fault in truth if fault.kind == "coverage"}
    assert away < set(imatra)
    assert 0.3 < len(away) / len(imatra) < 0.7
    assert all(fault.start == ZERO + HOUR and fault.end == ZERO + 48 * HOUR for fault in truth)
