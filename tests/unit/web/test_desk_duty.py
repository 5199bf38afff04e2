"""Who is on duty now, who is next, and when nobody is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from web.desk.duty import DAYS, OnRota, duties

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)  # 14:00 in the county


def shift(number: int, start: float, end: float, *, team: int = 1, name: str = "Nina") -> OnRota:
    return OnRota(
        number, team, number, name, NOW + timedelta(hours=start), NOW + timedelta(hours=end)
    )


def test_who_is_on_duty_who_is_next_and_the_gap_between() -> None:
    found = duties([1], [shift(1, -5, 3), shift(2, 4, 20, name="Matti"), shift(3, -9, -5)], NOW)[1]
    assert [one.id for one in found.now] == [1]
    assert found.next is not None
    assert found.next.id == 2
    first = found.gaps[0]
    assert (first.start, first.end) == (NOW + timedelta(hours=3), NOW + timedelta(hours=4))
    # Today has what was served already, and what of the night is today's.
    assert [part.shift.id for part in found.days[0].parts] == [3, 1, 2]
    assert found.days[0].parts[-1].end == found.days[0].end
    assert [gap.start for gap in found.days[0].gaps] == [first.start]
    assert [part.shift.id for part in found.days[1].parts] == [2]


def test_a_team_without_any_shift_is_empty() -> None:
    found = duties([1, 2], [shift(1, 1, 5)], NOW)
    assert (found[1].empty, found[2].empty) == (False, True)
    assert found[1].now == []
    assert found[2].gaps[0].end == found[2].days[-1].end


def test_a_fortnight_around_the_clock_has_no_gap_though_the_clocks_change() -> None:
    eve = datetime(2026, 3, 28, 12, tzinfo=UTC)
    always = OnRota(1, 1, 1, "Nina", eve - timedelta(days=1), eve + timedelta(days=20))
    found = duties([1], [always], eve)[1]
    assert (len(found.days), found.gaps) == (DAYS, [])
    hours = [(day.end - day.start) / timedelta(hours=1) for day in found.days[:3]]
    assert hours == [24, 23, 24]
