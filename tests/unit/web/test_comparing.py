"""Two periods beside one another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.clock import LOCAL
from web.trends.comparing import NotEarlierError, earlier, moved, places, signs

NOW = datetime(2026, 4, 2, 9, tzinfo=UTC)
"""Noon in the county, four days into summer time."""
DAY = timedelta(days=1)


@pytest.mark.parametrize("length", [timedelta(hours=5), DAY, 7 * DAY, 30 * DAY, 365 * DAY])
@pytest.mark.parametrize("how", ["before", "year", "2025-01-31"])
def test_it_is_as_long_and_begins_at_the_same_hour(length: timedelta, how: str) -> None:
    since = NOW - length
    if how == "2025-01-31" and since < datetime(2025, 2, 2, tzinfo=UTC):
        since += 60 * DAY
    begins, ends = earlier(since, since + length, how)
    assert ends - begins == length
    assert begins.astimezone(LOCAL).time() == since.astimezone(LOCAL).time()
    assert begins < since


def test_just_before_ends_where_the_other_begins_and_a_year_earlier_is_the_same_weekday() -> None:
    since = datetime(2026, 2, 23, tzinfo=UTC)
    assert earlier(since, since + 7 * DAY, "before") == (since - 7 * DAY, since)
    begins, _ = earlier(since, since + DAY, "year")
    assert begins.weekday() == since.weekday()
    assert earlier(since, since + timedelta(hours=5), "before")[0] == since - DAY


@pytest.mark.parametrize("how", ["", "never", "2026-13-01", "0001-01-01", "9999-12-31"])
def test_what_names_no_period_is_refused(how: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        earlier(NOW, NOW + DAY, how)


@pytest.mark.parametrize("day", ["2026-04-02", "2026-04-03"])
def test_what_is_not_earlier_is_refused(day: str) -> None:
    with pytest.raises(NotEarlierError):
        earlier(NOW, NOW + DAY, day)


def _series(*rows: tuple[float, int]) -> dict[str, Any]:
    return {
        "label": "Pulse", "unit": "1/min", "decimals": 0,
        "mean": [mean for mean, _ in rows], "count": [count for _, count in rows],
        "low": [mean - 1 for mean, _ in rows], "high": [mean + 1 for mean, _ in rows],
    }  # fmt: skip


def test_means_count_each_reading_once_and_what_is_missing_is_said() -> None:
    now = {"pulse": _series((70, 1), (80, 3)), "spo2": _series(), "weight": _series((60, 1))}
    then = {"pulse": _series((70, 2)), "spo2": _series(), "weight": _series()}
    pulse, weight = signs(now, then)
    assert pulse["now"] == {"mean": 77.5, "low": 69, "high": 81, "count": 4}
    assert pulse["change"] == 7.5
    assert (weight["earlier"], weight["change"]) == (None, None)


def test_movement_is_a_rate_of_what_the_time_holds() -> None:
    start = datetime(2026, 1, 10, 22, tzinfo=UTC)  # midnight in the county
    quarters = [0] * 48
    quarters[3], quarters[30] = 2, 5  # at 0.45 and 7.30
    strip = {"layout": "strip", "start": start, "bin_s": 900, "bins": 48,
             "places": [{"name": "kitchen", "counts": quarters}]}  # fmt: skip
    found = moved(strip, start + timedelta(hours=12))
    assert found == {"kitchen": {"a_day": 14.0, "a_night": pytest.approx(8 * 2 / 6)}}

    raster = {"layout": "raster", "first": "2026-01-11", "days": 2,
              "places": [{"name": "kitchen", "counts": [1] * 36 + [0] * 12}]}  # fmt: skip
    found = moved(raster, start + timedelta(hours=36))
    assert found["kitchen"] == {"a_day": 24.0, "a_night": 8.0}


def test_a_time_without_a_night_has_no_rate_of_nights() -> None:
    start = datetime(2026, 1, 10, 10, tzinfo=UTC)
    strip = {"layout": "strip", "start": start, "bin_s": 900, "bins": 4,
             "places": [{"name": "hall", "counts": [1, 0, 0, 0]}]}  # fmt: skip
    assert moved(strip, start + timedelta(hours=1))["hall"]["a_night"] is None


def test_a_place_of_one_period_alone_has_no_figure_for_the_other() -> None:
    rate: dict[str, float | None] = {"a_day": 3.0, "a_night": None}
    assert places({"hall": rate}, {"bath": rate}) == [
        {"name": "bath", "now": None, "earlier": rate},
        {"name": "hall", "now": rate, "earlier": None},
    ]
