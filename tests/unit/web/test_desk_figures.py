"""What waits, and what waits for too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.routing.values import shipped_values
from web.desk.figures import Count, Figures, Open, figures

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)  # a Tuesday, 14:00 in Finland
VALUES = shipped_values()


def alert(number: int = 1, *, waited: float = 0, **other: Any) -> Open:
    given: dict[str, Any] = {"kind": "news2", "severity": 4, "area": 1} | other
    return Open(id=number, opened_at=NOW - timedelta(minutes=waited), **given)


def counted(*opened: Open) -> Figures:
    return figures(opened, [1, 2], VALUES, NOW)


def test_a_quiet_area_is_there_with_nothing() -> None:
    found = counted(alert())
    assert set(found.areas) == {1, 2}
    assert found.areas[2].all == Count(0, 0, 0)
    assert found.areas[2].oldest is None


def test_waiting_is_what_nobody_has_and_overdue_what_waited_longer_than_routing_gives() -> None:
    found = counted(
        alert(1, waited=2), alert(2, waited=4), alert(3, waited=90, taken=True),
        alert(4, waited=9, severity=3), alert(5, waited=11, severity=3),
    )  # fmt: skip
    row = found.areas[1]
    assert row.counts[4] == Count(open=3, waiting=2, overdue=1)
    assert row.counts[3] == Count(open=2, waiting=2, overdue=1)
    assert row.all == found.county.all == Count(5, 4, 2)
    assert row.oldest == NOW - timedelta(minutes=11)


def test_the_most_pressing_is_first() -> None:
    found = counted(
        alert(1, waited=1), alert(2, waited=2), alert(3, waited=50, severity=3),
        alert(4, waited=70, severity=2),
    )  # fmt: skip
    assert [one.id for one, _, _ in found.waiting] == [3, 4, 2, 1]
    assert [late for _, _, late in found.waiting] == [True, True, False, False]


def test_what_was_given_back_waits_from_then_on() -> None:
    found = counted(alert(waited=60, given_back_at=NOW - timedelta(minutes=2)))
    assert found.county.counts[4] == Count(1, 1, 0)
    assert found.county.oldest == NOW - timedelta(minutes=2)


def test_what_has_cleared_waits_as_a_review_does() -> None:
    assert counted(alert(waited=60, cleared=True)).county.all == Count(1, 1, 0)
    assert counted(alert(waited=60)).county.all == Count(1, 1, 1)


def test_a_review_is_not_overdue_over_a_weekend() -> None:
    saturday = datetime(2026, 3, 7, 9, tzinfo=UTC)
    review = Open(id=1, kind="trend", severity=1, opened_at=saturday, area=1)
    # From Monday 8:00 in Finland a day of 24 hours.
    assert review.due_at(VALUES) == datetime(2026, 3, 10, 6, tzinfo=UTC)


def test_what_something_above_explains_is_counted_by_itself() -> None:
    found = counted(alert(waited=60, explained=True))
    assert (found.county.all, found.explained, found.waiting) == (Count(0, 0, 0), 1, [])


def test_what_is_of_no_area_is_not_lost() -> None:
    found = counted(alert(area=None))
    assert found.areas[None].all == found.county.all == Count(1, 1, 0)
