"""Timed: when who is called, as Alertmanager tests itself: push at 0 s, want at 0, then between.

A small worker stands in for the real one: it looks when `act` asked it to, a second later at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from alerts.finding import Severity
from alerts.routing.escalation import Called, act, pages_as
from alerts.routing.routing import Case, Duty, Team, desk_alone, route
from alerts.routing.values import shipped_values

MONDAY = datetime(2026, 1, 12, 9, tzinfo=UTC)
NIGHT = datetime(2026, 1, 12, 22, tzinfo=UTC)
ANNA, BO, CIA, DESK = 1, 2, 3, None
VALUES = shipped_values()
TEAMS = {1: Team(1, areas=frozenset({1})), 2: Team(2, areas=frozenset({1}))}
DUTIES = [Duty(ANNA, frozenset({1})), Duty(BO, frozenset({1})), Duty(CIA, frozenset({2}))]


@dataclass
class Told:
    """An episode nobody has acknowledged, its timer, and who is told, in seconds from its start."""

    severity: int
    start: datetime = MONDAY
    duties: list[Duty] = field(default_factory=lambda: list(DUTIES))
    reached: Callable[[int | None], bool] = lambda _: True
    seen: Callable[[int | None, float], bool] = lambda _, __: False
    declined: set[int] = field(default_factory=set)
    calls: list[tuple[float, tuple[int | None, ...]]] = field(default_factory=list)
    reminders: list[float] = field(default_factory=list)
    looks: int = 0

    def run(self, seconds: float) -> Told:
        now, end = self.start, self.start + timedelta(seconds=seconds)
        called: list[tuple[int | None, datetime]] = []
        reminded: datetime | None = None
        case = Case(1, self.severity, area=1, teams=frozenset({1}))
        while now <= end:
            self.looks += 1
            at = (now - self.start).total_seconds()
            states = [
                Called(who, when, self.reached(who), self.seen(who, at)) for who, when in called
            ]
            action = act(
                now,
                self.severity,
                route(case, TEAMS, self.duties, VALUES),
                states,
                VALUES,
                reminded_at=reminded,
                declined=self.declined,
            )
            if action.recipients:
                self.calls.append((at, action.recipients))
                called += [(who, now) for who in action.recipients]
            if action.remind:
                self.reminders.append(at)
                reminded = now
            assert action.due_at > now, "a timer that is due for ever turns in circles"
            now = action.due_at
        return self


def test_an_urgent_alert_pages_at_0_and_escalates_between_300_and_301_seconds() -> None:
    told = Told(Severity.URGENT).run(301)
    assert [(at, who) for at, who in told.calls] == [(0, (ANNA,)), (300, (BO,))]


def test_an_emergency_goes_on_to_the_desk_which_is_reminded_until_somebody_acknowledges() -> None:
    told = Told(Severity.EMERGENCY).run(1200)
    assert told.calls == [(0, (ANNA,)), (120, (BO,)), (240, (CIA,)), (360, (DESK,))]
    assert told.reminders == [540, 720, 900, 1080]


def test_whom_no_channel_reaches_is_waited_for_less() -> None:
    told = Told(Severity.EMERGENCY, reached=lambda who: who != ANNA).run(200)
    assert told.calls == [(0, (ANNA,)), (60, (BO,)), (180, (CIA,))]


def test_whoever_has_looked_is_waited_for_longer() -> None:
    told = Told(Severity.EMERGENCY, seen=lambda who, at: who == ANNA and at >= 90).run(200)
    assert told.calls == [(0, (ANNA,)), (180, (BO,))]


def test_an_outage_of_the_worker_is_made_up_for_one_step_at_a_time() -> None:
    late = MONDAY + timedelta(hours=1)
    called = [Called(ANNA, MONDAY, reached=True)]
    steps = route(Case(1, 4, area=1, teams=frozenset({1})), TEAMS, DUTIES, VALUES)
    action = act(late, 4, steps, called, VALUES)
    assert action.recipients == (BO,)
    assert action.due_at == late + timedelta(minutes=1)


def test_only_those_called_last_are_waited_for() -> None:
    now = MONDAY + timedelta(seconds=240)
    called = [
        Called(ANNA, MONDAY, reached=True, seen=True),
        Called(BO, MONDAY + timedelta(seconds=180)),
    ]
    steps = route(Case(1, 4, area=1, teams=frozenset({1})), TEAMS, DUTIES, VALUES)
    assert act(now, 4, steps, called, VALUES).recipients == (CIA,)


def test_a_timer_that_is_looked_at_early_reminds_nobody_early() -> None:
    steps = desk_alone("nobody_on_duty")
    called = [Called(DESK, MONDAY, reached=True)]
    reminded = MONDAY + timedelta(minutes=30)
    now = reminded + timedelta(minutes=1)
    action = act(now, 4, steps, called, VALUES, reminded_at=reminded)
    assert (action.remind, action.due_at) == (False, reminded + timedelta(minutes=3))


def test_who_gave_it_back_is_not_called_about_it_again() -> None:
    told = Told(Severity.URGENT, declined={ANNA}).run(1)
    assert told.calls == [(0, (BO,))]
    alone = Told(Severity.URGENT, duties=DUTIES[:1], declined={ANNA}).run(1)
    assert alone.calls == [(0, (DESK,))], "nobody else is there: at once"


def test_a_member_who_comes_on_duty_meanwhile_is_heeded() -> None:
    told = Told(Severity.URGENT, duties=DUTIES[:1])
    called = [Called(ANNA, MONDAY, reached=True)]
    now = MONDAY + timedelta(minutes=5)
    case = Case(1, 3, area=1, teams=frozenset({1}))
    relieved = [Duty(BO, frozenset({1}))]
    action = act(now, told.severity, route(case, TEAMS, relieved, VALUES), called, VALUES)
    assert action.recipients == (BO,)


def test_the_desk_that_was_called_at_once_is_reminded_last() -> None:
    duties = [Duty(ANNA, frozenset({1}), reachable=False)]
    told = Told(Severity.EMERGENCY, duties=duties).run(500)
    assert told.calls == [(0, (ANNA, DESK))]
    assert told.reminders == [180, 360]


def test_nobody_on_duty_is_the_desk_at_once_and_again() -> None:
    told = Told(Severity.EMERGENCY, duties=[]).run(400)
    assert told.calls == [(0, (DESK,))]
    assert told.reminders == [180, 360]


def test_a_review_does_not_page_at_night() -> None:
    review = Told(Severity.REVIEW, start=NIGHT).run(9 * 3600)
    assert review.calls == [(8 * 3600, (ANNA,))], "at eight in the morning"
    attention = Told(Severity.ATTENTION, start=NIGHT).run(1)
    assert attention.calls == [(0, (ANNA,))]


def test_what_has_cleared_waits_as_a_review() -> None:
    assert pages_as(Severity.EMERGENCY, cleared=True) == Severity.REVIEW
    assert pages_as(Severity.EMERGENCY, cleared=False) == Severity.EMERGENCY


@pytest.mark.parametrize("severity", list(Severity))
def test_over_a_week_every_one_is_called_once_and_timers_rest_between(severity: Severity) -> None:
    told = Told(severity).run(7 * 86400)
    called = [who for _, several in told.calls for who in several]
    assert sorted(called, key=str) == [ANNA, BO, CIA, DESK]
    assert called[-1] is DESK
    assert told.reminders
    assert told.looks <= len(told.calls) * 3 + 2 * len(told.reminders) + 20


def test_the_desk_alone_where_routing_failed() -> None:
    action = act(MONDAY, 4, desk_alone("routing_failed"), [], VALUES)
    assert action.recipients == (DESK,)
