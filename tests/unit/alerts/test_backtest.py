"""The replay's clock and memory, and what of it counts as true, false, caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from alerts.backtest.around import mild_rooms
from alerts.backtest.backtest import NOBODY, Handling, replay
from alerts.backtest.history import Closing, Columns, History, Person, Received, micros
from alerts.backtest.matter import Matter
from alerts.backtest.memory import Happened, Replayed
from alerts.backtest.stops import EXACT, Pace
from alerts.backtest.truth import is_night, judge, recorded
from alerts.rules.shipped import shipped_rules
from alerts.subjects.subject import Client
from core.catalogue import catalogue

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SICK = {"respiratory_rate": 26.0, "spo2": 90.0, "systolic": 120.0, "pulse": 135.0}
WELL = {"respiratory_rate": 16.0, "spo2": 97.0, "systolic": 120.0, "pulse": 70.0}
Said = tuple[datetime, datetime, dict[str, float]]


def said(at: datetime, values: dict[str, float], late: timedelta = timedelta(0)) -> Said:
    return at, at + late, values


def history(*packs: Said, closings: tuple[Closing, ...] = (), length: timedelta = DAY) -> History:
    rows = [
        (catalogue()[metric].id, micros(time), micros(received), value)
        for time, received, values in packs
        for metric, value in values.items()
    ]
    metric, time, received = (np.array([row[n] for row in rows], dtype=np.int64) for n in range(3))
    one = np.ones(len(rows), dtype=np.int64)
    columns = Columns(
        one, one, metric, time, received, np.array([row[3] for row in rows]), one * 0, one * 0
    )
    people = {1: Person(1, "c1", client=Client(date(1940, 1, 1)))}
    return History(people, columns.in_order(), NOW, NOW + length, closings=closings)


def happened(episode: Replayed) -> list[tuple[str, timedelta, int]]:
    return [(event.what, event.at - NOW, event.severity) for event in episode.events]


def test_the_clock_goes_from_event_to_event() -> None:
    past = history(said(NOW + HOUR, SICK), said(NOW + 2 * HOUR, WELL), said(NOW + 3 * HOUR, WELL))
    (episode,) = replay(past, shipped_rules(), pace=EXACT, handling=NOBODY)
    # Nothing arrives at 2:15: the state machine asked to be woken.
    assert happened(episode) == [
        ("opened", HOUR, 4),
        ("cleared", 2 * HOUR + 15 * MINUTE, 4),
    ]


def test_what_is_received_late_is_late() -> None:
    on_time = replay(history(said(NOW + HOUR, SICK)), shipped_rules(), pace=EXACT)
    a_little = replay(history(said(NOW + HOUR, SICK, 20 * MINUTE)), shipped_rules(), pace=EXACT)
    assert a_little[0].opened_at - on_time[0].opened_at == 20 * MINUTE
    # Later than the rules let page: nobody is called by it (promise 5).
    assert replay(history(said(NOW + HOUR, SICK, 2 * HOUR)), shipped_rules(), pace=EXACT) == []


def test_what_was_known_before_the_start_is_known() -> None:
    before = said(NOW - HOUR, {"pulse": 135.0, "spo2": 90.0})
    past = history(before, said(NOW + HOUR, {"temperature": 39.5}))
    (episode,) = replay(past, shipped_rules(), pace=EXACT)
    assert (episode.opened_at, episode.highest) == (NOW + HOUR, 4)
    # A call from before the start has been answered.
    assert replay(history(said(NOW - HOUR, {"help": 1.0})), shipped_rules()) == []


def test_stops_fall_on_ticks() -> None:
    past = history(said(NOW + HOUR + timedelta(seconds=7), SICK))
    (episode,) = replay(past, shipped_rules(), pace=Pace(tick=MINUTE))
    assert episode.opened_at == NOW + HOUR + MINUTE


def test_who_closes() -> None:
    ill = [said(NOW + hour * HOUR, SICK) for hour in range(1, 60, 4)]
    rules = shipped_rules()
    (alone,) = replay(history(*ill, length=3 * DAY), rules, handling=NOBODY)
    assert alone.closed_at is None
    closing = Closing(1, "news2", "", NOW + 10 * HOUR)
    first, second = replay(
        history(*ill, closings=(closing,), length=3 * DAY), rules, handling=NOBODY
    )
    assert first.closed_at == NOW + 10 * HOUR
    # The same goes on: it calls again with the next reading after `again_after`.
    assert second.opened_at == NOW + 13 * HOUR
    assumed = replay(history(*ill, length=3 * DAY), rules, handling=Handling(standing=DAY))
    assert [one.closed_at for one in assumed][:2] == [NOW + 25 * HOUR, assumed[1].opened_at + DAY]


def test_history_in_disorder_is_refused() -> None:
    past = history(said(NOW, SICK), said(NOW + HOUR, SICK))
    with pytest.raises(ValueError, match="order"):
        History(past.people, past.readings.take(np.arange(7, -1, -1)), NOW, NOW + DAY)


def episode(kind: str, *events: tuple[str, timedelta, int], subject: int = 1) -> Replayed:
    found = Replayed(subject, kind, "", NOW + events[0][1])
    found.events = [Happened(NOW + at, what, severity, "rule") for what, at, severity in events]
    return found


def illness(
    onset: timedelta, crisis: timedelta | None, ends: timedelta, explains: str = "news2"
) -> Matter:
    known: Callable[[str, str], bool] = lambda kind, _: kind == explains  # noqa: E731
    return Matter(
        frozenset({1}), "pneumonia", NOW + onset, NOW + ends, known,
        None if crisis is None else NOW + crisis,
    )  # fmt: skip


ILL = illness(2 * DAY, 4 * DAY, 8 * DAY)


@pytest.mark.parametrize(
    ("alert", "warning_h", "false"),
    [
        (episode("news2", ("opened", 3 * DAY, 3)), 24.0, 0),
        (episode("news2", ("opened", DAY, 3)), None, 1),  # before the onset
        (episode("news2", ("opened", 5 * DAY, 3)), None, 0),  # true, and too late
        (episode("glucose", ("opened", 3 * DAY, 3)), None, 1),  # it explains no glucose
        (episode("news2", ("opened", 3 * DAY, 1)), None, 0),  # a review calls nobody
        (episode("news2", ("opened", DAY, 2), ("rose", 3 * DAY, 3)), 24.0, 1),
        (episode("news2", ("opened", DAY, 1), ("rose", 3 * DAY, 3)), 24.0, 0),
        (episode("news2", ("opened", DAY, 3), ("fell", 3 * DAY, 2)), None, 1),
        (episode("news2", ("opened", 3 * DAY, 3), subject=2), None, 1),  # somebody else
    ],
)
def test_true_and_caught(alert: Replayed, warning_h: float | None, false: int) -> None:
    judged = judge([alert], [ILL], clients=[1, 2], start=NOW, end=NOW + 10 * DAY)
    (case,) = judged.cases
    assert (case.warning_h, judged.false_alerts) == (warning_h, false)


@pytest.mark.parametrize(
    ("alert", "outcome"),
    [
        (episode("news2", ("opened", 3 * DAY, 3)), "real"),
        (episode("news2", ("opened", DAY, 3)), "false"),  # before the onset
        (episode("news2", ("opened", DAY, 3), ("rose", 3 * DAY, 4)), "real"),
        (episode("news2", ("opened", DAY, 3), ("fell", 3 * DAY, 2)), "false"),  # nothing called
        (episode("glucose", ("opened", 3 * DAY, 3)), "false"),  # it explains no glucose
        (episode("news2", ("opened", DAY, 3), ("rose", 6 * DAY, 4)), "false"),  # not by then
    ],
)
def test_what_is_recorded_of_an_alert(alert: Replayed, outcome: str) -> None:
    assert recorded([ILL])(alert, NOW + 5 * DAY) == outcome


def test_a_replay_remembers_what_was_recorded() -> None:
    """The outcome that a recorded closing has goes into the state machine."""
    asked: list[tuple[str, datetime]] = []

    def outcome(one: Replayed, at: datetime) -> str:
        asked.append((one.kind, at))
        return "false"

    ill = [said(NOW + hour * HOUR, SICK) for hour in range(1, 60, 4)]
    rules = shipped_rules()
    known_for = replace(rules.behaviours["news2"], known_for=3 * DAY)
    rules = replace(rules, behaviours={**rules.behaviours, "news2": known_for})
    past = history(*ill, length=3 * DAY)
    (once,) = replay(past, rules, handling=Handling(outcome=outcome))
    assert asked == [("news2", once.closed_at)]
    assert len(replay(past, rules)) > 1


def test_days_and_rates() -> None:
    alerts = [episode("news2", ("opened", (9 + n / 4) * DAY, 2)) for n in range(3)]
    judged = judge(alerts, [ILL], clients=[1, 2], start=NOW, end=NOW + 10 * DAY)
    # Of 20 client-days 6 are ill; 12:00 and 18:00 are day in Helsinki, 0:00 is night.
    assert (judged.client_days, judged.well_days) == (20.0, 14.0)
    assert judged.false_per_100 == pytest.approx(100 * 3 / 14)
    assert judged.alerts_per_100 == pytest.approx(15.0)
    assert (judged.false_pages, judged.false_night_pages) == (3, 1)
    # One false page in 10 nights of 2 clients.
    assert judged.false_night_pages_for(1000) == pytest.approx(50.0)


def test_an_illness_outside_the_stretch_is_not_asked_for() -> None:
    for start, end in ((3 * DAY, 10 * DAY), (DAY, 4 * DAY)):
        judged = judge([], [ILL], clients=[1], start=NOW + start, end=NOW + end)
        assert judged.cases == []
    without_crisis = illness(2 * DAY, None, 8 * DAY)
    judged = judge(
        [episode("news2", ("opened", 7 * DAY, 2))], [without_crisis],
        clients=[1], start=NOW, end=NOW + 10 * DAY,
    )  # fmt: skip
    assert judged.cases[0].warning_h == 24.0
    assert judged.serious() is None


def test_night_is_in_helsinki() -> None:
    winter, summer = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 7, 6, tzinfo=UTC)
    assert [is_night(winter + hour * HOUR) for hour in (19, 20, 4, 5)] == [False, True, True, False]
    assert [is_night(summer + hour * HOUR) for hour in (18, 19, 3, 4)] == [False, True, True, False]


def test_what_nobody_measured_is_counted_apart() -> None:
    unmeasured = replace(ILL, measured=False)
    judged = judge([], [ILL, unmeasured], clients=[1], start=NOW, end=NOW + 10 * DAY)
    every, measured = judged.serious(), judged.serious(measured=True)
    assert every is not None
    assert measured is not None
    assert (every.cases, measured.cases) == (2, 1)


def test_rows_are_cut_by_group_and_receipt() -> None:
    """By numbers of a county's size, over a year."""
    rng = np.random.default_rng(1)
    group = rng.integers(0, 150_000, 2_000)
    received = micros(NOW) + rng.integers(0, micros(NOW + 365 * DAY) - micros(NOW), 2_000)
    rows = Received(group, received)
    groups = np.unique(group)[:200]
    for since, until in ((0, 400), (100, 200), (-50, -20), (380, 500), (200, 100)):
        low, high = micros(NOW + since * DAY), micros(NOW + until * DAY)
        start, stop = rows.cut(groups, np.full(len(groups), low), high)
        for number, first, past in zip(groups, start, stop, strict=True):
            wanted = np.flatnonzero((group == number) & (received >= low) & (received <= high))
            assert sorted(rows.order[first:past]) == wanted.tolist()


def test_a_mild_room_makes_nobody_look_and_a_cold_one_does() -> None:
    """Ticks and skipped looks find what every look finds."""
    # Cold for less than the rule's hour, then for more, then mild.
    temperatures = [21.0] * 3 + [12.0] * 2 + [20.9] * 3 + [12.5] * 6 + [21.0] * 12
    past = history(*(said(NOW + n * HOUR / 3, {"room_temperature": value})
                     for n, value in enumerate(temperatures)))  # fmt: skip
    exact = replay(past, shipped_rules(), pace=EXACT, handling=NOBODY)
    coarse = replay(past, shipped_rules(), pace=Pace(), handling=NOBODY)
    assert [happened(one) for one in coarse] == [happened(one) for one in exact]
    (cold,) = exact
    assert [what for what, _, _ in happened(cold)] == ["opened", "cleared"]
    mild = mild_rooms(past.readings, shipped_rules())
    assert mild.tolist() == [value > 13 for value in temperatures]
