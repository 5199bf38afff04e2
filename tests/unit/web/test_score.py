"""NEWS2 over time: the newest values that still hold, the worst of each bucket, what was known."""

from __future__ import annotations

import numpy as np
import pytest

from models.news2 import PARAMETERS
from web.trends.score import Floats, scored

HOUR = 3600.0


def _columns(**given: list[tuple[float, float]]) -> dict[str, tuple[Floats, Floats]]:
    return {
        name: (np.array([at * HOUR for at, _ in values]), np.array([value for _, value in values]))
        for name, values in given.items()
    }


def _known(found: dict[str, list[object]], at: int) -> set[str]:
    return {
        name
        for name, row in zip(PARAMETERS, found["known"], strict=True)
        if row[at]  # type: ignore[index] # lists
    }


def test_a_value_counts_until_it_no_longer_holds() -> None:
    columns = _columns(pulse=[(0, 140.0)], spo2=[(1, 95.0), (12, 95.0), (12.5, 95.0)])
    found = scored(columns, since=0.0, width=0.4 * HOUR, scale=1, air_by_plan=False)
    assert found["low"] == [3, 4, 4, 1]  # the pulse of noon says nothing after midnight
    assert _known(found, 2) == {"pulse", "spo2"}
    assert _known(found, 3) == {"spo2"}
    # What is missing is given the most that the chart allows.
    assert found["high"][3] == 1 + 3 + 2 + 3 + 3 + 3 + 3


def test_what_was_measured_before_the_range_counts_in_it() -> None:
    columns = _columns(pulse=[(-2, 140.0), (30, 70.0)], temperature=[(1, 37.0)])
    found = scored(columns, since=0.0, width=HOUR, scale=1, air_by_plan=False)
    assert found["low"] == [3, 0]
    assert found["time"] == [1 * HOUR, 30 * HOUR]


def test_the_worst_of_a_bucket_is_kept() -> None:
    columns = _columns(pulse=[(0, 70.0), (1, 140.0), (2, 70.0), (5, 70.0)])
    found = scored(columns, since=0.0, width=4 * HOUR, scale=1, air_by_plan=False)
    assert found["low"] == [3, 0]
    assert found["time"] == [1 * HOUR, 5 * HOUR]


@pytest.mark.parametrize("by_plan", [True, False])
def test_no_oxygen_by_the_plan_is_air(by_plan: bool) -> None:
    # On scale 2 a saturation of 97 is well on air, and 3 points on oxygen.
    found = scored(_columns(spo2=[(0, 97.0)]), since=0.0, width=HOUR, scale=2, air_by_plan=by_plan)
    others = 3 + 3 + 3 + 3 + 3
    assert found["low"] == [0]
    assert found["high"] == [others if by_plan else others + 3 + 2]
    assert ("oxygen" in _known(found, 0)) is by_plan


def test_oxygen_that_flows_is_not_air_by_any_plan() -> None:
    columns = _columns(spo2=[(0, 97.0)], oxygen_flow=[(0, 2.0)])
    found = scored(columns, since=0.0, width=HOUR, scale=2, air_by_plan=True)
    assert found["low"] == [5]


def test_nothing_measured_is_no_score() -> None:
    for columns in ({}, _columns(pulse=[(-1, 70.0)])):
        found = scored(columns, since=0.0, width=HOUR, scale=1, air_by_plan=True)
        assert (found["time"], found["low"], found["high"]) == ([], [], [])
        assert found["known"] == [[]] * len(PARAMETERS)
