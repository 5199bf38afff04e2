"""The shared clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import LOCAL, REAL_CLOCK, ManualClock, ScaledClock, wall_time

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_real_clock_shows_wall_time() -> None:
    assert abs(REAL_CLOCK.now() - wall_time()) < timedelta(seconds=1)


def test_scaled_clock_maps_wall_time_both_ways() -> None:
    wall = datetime(2026, 1, 1, tzinfo=UTC)
    clock = ScaledClock(wall_anchor=wall, anchor=START, factor=60)
    later = wall + timedelta(seconds=10)
    assert clock.at(later) == START + timedelta(minutes=10)
    assert clock.wall(clock.at(later)) == later


async def test_manual_clock_sleeps_without_waiting() -> None:
    clock = ManualClock(START)
    await clock.sleep(timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)


@pytest.mark.parametrize(
    ("utc", "hour"),
    [("2026-10-25T00:30", 3), ("2026-10-25T01:30", 3), ("2026-03-29T01:30", 4)],
)
def test_local_time_repeats_an_hour_in_october_and_skips_one_in_march(utc: str, hour: int) -> None:
    moment = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert moment.astimezone(LOCAL).hour == hour
