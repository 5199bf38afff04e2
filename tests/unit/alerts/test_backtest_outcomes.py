"""Two replays beside what people said of the alerts in life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.backtest.load import Recorded
from alerts.backtest.memory import Happened, Replayed
from alerts.backtest.outcomes import compare, load_of, reproduced

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def recorded(outcome: str | None, kind: str = "news2", at: timedelta = DAY) -> Recorded:
    opened = NOW + at
    closed = None if outcome is None else opened + 2 * HOUR
    return Recorded(7, 1, kind, "", opened, closed, outcome, "news2_high", 4)


def replayed(*at: timedelta, kind: str = "news2", severity: int = 3) -> list[Replayed]:
    found = []
    for moment in at:
        one = Replayed(1, kind, "", NOW + moment)
        one.events = [Happened(NOW + moment, "opened", severity, kind)]
        found.append(one)
    return found


@pytest.mark.parametrize(
    ("outcome", "before", "after", "change", "earlier_h"),
    [
        ("real", replayed(DAY), replayed(DAY - 6 * HOUR), "kept", 6.0),
        ("real", replayed(DAY), replayed(DAY + HOUR), "kept", -1.0),
        ("real", replayed(DAY), [], "lost", None),
        ("real", [], replayed(DAY), "gained", None),
        # Whoever goes there sees the person, whatever called them; a silent device does not.
        ("real", replayed(DAY), replayed(DAY, kind="deterioration"), "kept", 0.0),
        ("real", replayed(DAY), replayed(DAY, kind="silence"), "lost", None),
        # The alert that was false is of its kind.
        ("false", replayed(DAY), replayed(DAY, kind="deterioration"), "lost", None),
        # A review calls nobody; what comes after the closing, or days before, is another one.
        ("real", replayed(DAY), replayed(DAY, severity=1), "lost", None),
        ("real", replayed(DAY), replayed(DAY + 3 * HOUR), "lost", None),
        ("real", replayed(DAY), replayed(DAY - 73 * HOUR), "lost", None),
        ("real", [], [], "neither", None),
    ],
)
def test_what_becomes_of_a_recorded_alert(
    outcome: str,
    before: list[Replayed],
    after: list[Replayed],
    change: str,
    earlier_h: float | None,
) -> None:
    found = compare(
        before, after, [recorded(outcome)], clients=1, start=NOW - 9 * DAY, end=NOW + 9 * DAY
    )
    (fate,) = found.fates
    assert (fate.change, fate.earlier_h) == (change, earlier_h)


def test_false_pages_saved() -> None:
    lived = [recorded("false"), recorded("technical", at=3 * DAY), recorded("real", at=5 * DAY)]
    before = replayed(DAY, DAY + HOUR, 3 * DAY, 5 * DAY)
    after = replayed(DAY, 5 * DAY)
    found = compare(before, after, lived, clients=1, start=NOW, end=NOW + 9 * DAY)
    assert found.false_pages_saved == 2
    assert [one.change for one in found.of("real")] == ["kept"]
    # An episode that nobody closed says nothing.
    unsaid = compare(before, [], [recorded(None)], clients=1, start=NOW, end=NOW + 9 * DAY)
    assert unsaid.fates == []


def test_load() -> None:
    rising = replayed(8 * HOUR)  # 22:00 in Helsinki
    rising[0].events.append(Happened(NOW + 30 * HOUR, "rose", 4, "news2_high"))
    rising[0].events.append(Happened(NOW + 31 * HOUR, "fell", 3, "news2"))
    review = replayed(HOUR, severity=1)
    load = load_of([*rising, *review], clients=50, start=NOW, end=NOW + 2 * DAY)
    assert (load.alerts, load.reviews, load.pages, load.night_pages) == (1, 1, 2, 1)
    assert load.alerts_per_100 == pytest.approx(1.0)
    assert load.pages_by_rule == {("news2", 3): 1, ("news2_high", 4): 1}


def test_reproduced_within_a_minute() -> None:
    lived = [recorded("real"), recorded("real", at=2 * DAY)]
    again = replayed(DAY + timedelta(seconds=50))
    assert reproduced(lived, again, start=NOW, end=NOW + 9 * DAY) == (1, 2)
