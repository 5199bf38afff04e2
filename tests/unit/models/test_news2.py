"""NEWS2 against the chart, written down here a second time and in another way."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.news2 import PARAMETERS, Risk, news2, score

# The chart as it is printed: points, then first and last value of the band, in steps of the
# chart (temperature in tenths of a degree).
CHART: dict[str, list[tuple[int, int, int]]] = {
    "respiratory_rate": [(3, 0, 8), (1, 9, 11), (0, 12, 20), (2, 21, 24), (3, 25, 150)],
    "systolic": [(3, 0, 90), (2, 91, 100), (1, 101, 110), (0, 111, 219), (3, 220, 350)],
    "pulse": [(3, 0, 40), (1, 41, 50), (0, 51, 90), (1, 91, 110), (2, 111, 130), (3, 131, 350)],
    "temperature": [(3, 100, 350), (1, 351, 360), (0, 361, 380), (1, 381, 390), (2, 391, 470)],
    "consciousness": [(0, 0, 0), (3, 1, 4)],
    "oxygen": [(0, 0, 0), (2, 1, 1)],
}
SPO2: dict[tuple[int, bool], list[tuple[int, int, int]]] = {
    (1, False): [(3, 0, 91), (2, 92, 93), (1, 94, 95), (0, 96, 100)],
    (1, True): [(3, 0, 91), (2, 92, 93), (1, 94, 95), (0, 96, 100)],
    (2, False): [(3, 0, 83), (2, 84, 85), (1, 86, 87), (0, 88, 100)],
    (2, True): [
        *[(3, 0, 83), (2, 84, 85), (1, 86, 87), (0, 88, 92)],
        *[(1, 93, 94), (2, 95, 96), (3, 97, 100)],
    ],
}
MOST = {name: 2 if name == "oxygen" else 3 for name in PARAMETERS}
# One value of each parameter on either side of the edges that make a difference together.
SAMPLES: dict[str, tuple[float, ...]] = {
    "respiratory_rate": (8, 16),
    "spo2": (83, 90, 93, 97),
    "oxygen": (0, 1),
    "systolic": (90, 120),
    "pulse": (70, 131),
    "consciousness": (0, 1),
    "temperature": (35.0, 37.0),
}


def points_by_chart(bands: list[tuple[int, int, int]], step: int) -> int:
    (found,) = [points for points, first, last in bands if first <= step <= last]
    return found


def edges() -> list[tuple[str, float, int]]:
    """Every band edge and one step of the chart on each side of it."""
    return sorted(
        {
            (name, step / (10 if name == "temperature" else 1), points_by_chart(bands, step))
            for name, bands in CHART.items()
            for _, first, last in bands
            for step in (first - 1, first, first + 1, last - 1, last, last + 1)
            if bands[0][1] <= step <= bands[-1][2]
        }
    )


@pytest.mark.parametrize(("name", "value", "expected"), edges())
def test_band_edges(name: str, value: float, expected: int) -> None:
    found = score(**{name: value})  # type: ignore[arg-type]  # names come from the table
    assert found.points[name] == (expected, expected)
    assert found.low == expected


@pytest.mark.parametrize(("scale", "oxygen"), [*SPO2, (1, None), (2, None)])
def test_every_saturation(scale: Any, oxygen: bool | None) -> None:
    for value in range(101):
        flow = None if oxygen is None else float(oxygen)
        found = score(spo2=value, oxygen=flow, scale=scale)
        if oxygen is not None:
            expected = points_by_chart(SPO2[(scale, oxygen)], value)
            assert found.points["spo2"] == (expected, expected), value
            assert not found.spo2_range
            continue
        on_air = points_by_chart(SPO2[(scale, False)], value)
        on_oxygen = points_by_chart(SPO2[(scale, True)], value)
        assert found.points["spo2"] == (on_air, on_oxygen), value
        assert found.spo2_range == (scale == 2 and value >= 93), value
        assert "oxygen" in found.missing
        assert found.low == on_air


@pytest.mark.parametrize("present", list(itertools.product((True, False), repeat=7)))
def test_every_combination_of_missing_values(present: tuple[bool, ...]) -> None:
    known = [name for name, there in zip(PARAMETERS, present, strict=True) if there]
    for scale in (1, 2):
        for values in itertools.product(*(SAMPLES[name] for name in known)):
            given_values = dict(zip(known, values, strict=True))
            found = score(**given_values, scale=scale)
            assert set(found.missing) == set(PARAMETERS) - set(known)
            low, high, lows = by_hand(given_values, scale)
            assert (found.low, found.high) == (low, high)
            assert found.single_three == (3 in lows)
            assert found.risk == risk_by_hand(low, lows)


def by_hand(values: dict[str, float], scale: int) -> tuple[int, int, list[int]]:
    lows, highs = [], []
    for name in PARAMETERS:
        if name not in values:
            highs.append(MOST[name])
        elif name == "spo2":
            gases = [bool(values["oxygen"])] if "oxygen" in values else [False, True]
            both = [points_by_chart(SPO2[(scale, gas)], int(values[name])) for gas in gases]
            lows.append(both[0])
            highs.append(both[-1])
        else:
            step = round(values[name] * (10 if name == "temperature" else 1))
            lows.append(points_by_chart(CHART[name], step))
            highs.append(lows[-1])
    return sum(lows), sum(highs), lows


def risk_by_hand(total: int, lows: list[int]) -> Risk:
    if total >= 7:
        return Risk.HIGH
    if total >= 5:
        return Risk.MEDIUM
    return Risk.LOW_MEDIUM if 3 in lows else Risk.LOW


def test_the_highest_score_is_20() -> None:
    worst = score(
        respiratory_rate=30,
        spo2=80,
        oxygen=1,
        systolic=80,
        pulse=140,
        consciousness=4,
        temperature=34,
    )
    assert (worst.low, worst.high, worst.missing) == (20, 20, ())
    nothing = score()
    assert (nothing.low, nothing.high, len(nothing.missing)) == (0, 20, 7)


@pytest.mark.parametrize(
    ("name", "value", "rounded"),
    [
        ("pulse", 40.4, 3),  # 40
        ("pulse", 40.5, 1),  # 41
        ("pulse", 90.49, 0),
        ("pulse", 90.5, 1),
        ("temperature", 35.04, 3),
        ("temperature", 35.05, 1),  # stored as 35.04999…
        ("temperature", (95.09 - 32) * 5 / 9, 1),  # the same, from Fahrenheit
        ("temperature", 38.05, 1),
        ("temperature", 39.049, 1),
        ("temperature", 39.05, 2),
        ("systolic", 90.4, 3),
        ("systolic", 90.5, 2),
        ("systolic", 219.5, 3),
        ("spo2", 91.5, 2),
        ("spo2", 95.5, 0),
        ("respiratory_rate", 8.5, 1),
        ("respiratory_rate", 24.5, 3),
    ],
)
def test_values_between_bands_are_rounded_first(name: str, value: float, rounded: int) -> None:
    assert score(**{name: value}).points[name] == (rounded, rounded)  # type: ignore[arg-type]


@given(st.integers(100, 470), st.integers(-49, 50))
def test_temperatures_are_rounded_half_up_in_decimal(tenths: int, hundredths: int) -> None:
    value = (tenths * 100 + hundredths) / 1000
    expected = tenths + (hundredths == 50)
    if 100 <= expected <= 470:
        points = points_by_chart(CHART["temperature"], expected)
        assert score(temperature=value).points["temperature"] == (points, points)


def test_any_flow_is_oxygen() -> None:
    assert score(oxygen=0.2).points["oxygen"] == (2, 2)


def test_low_and_high_of_a_meter_count_in_the_outermost_bands() -> None:
    low = score(spo2=-np.inf, systolic=-np.inf, pulse=-np.inf, temperature=-np.inf)
    assert low.low == 12
    high = score(systolic=np.inf, pulse=np.inf, temperature=np.inf, respiratory_rate=np.inf)
    assert high.low == 11


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    random = np.random.default_rng(7)
    size = 500
    values = {
        "respiratory_rate": random.uniform(5, 30, size),
        "spo2": random.uniform(80, 100, size),
        "oxygen": random.integers(0, 2, size).astype(float),
        "systolic": random.uniform(70, 230, size),
        "pulse": random.uniform(30, 140, size),
        "consciousness": random.integers(0, 5, size).astype(float),
        "temperature": random.uniform(34, 41, size),
    }
    for column in values.values():
        column[random.random(size) < 0.2] = np.nan
    scale = random.integers(1, 3, size)
    many = news2(**values, scale=scale)
    for index in range(size):
        one = score(
            **{name: None if np.isnan(v[index]) else v[index] for name, v in values.items()},
            scale=int(scale[index]),  # type: ignore[arg-type]
        )
        assert (one.low, one.high) == (many.low[index], many.high[index])
        assert one.risk == many.risk[index]
        assert one.single_three == many.single_three[index]


def test_scales_other_than_1_and_2_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or 2"):
        score(spo2=90, scale=3)  # type: ignore[arg-type]
