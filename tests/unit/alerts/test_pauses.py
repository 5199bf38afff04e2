"""What a pause suspends, what it never does, and who is asked about."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from alerts.assess.assess import assess
from alerts.finding import KINDS, LIFE_SAFETY, Finding
from alerts.silence import pauses
from alerts.silence.pauses import Known, bearing
from alerts.subjects.subject import Assessment, Pause, Subject
from tests.unit.alerts.making import (
    NOW,
    context,
    findings,
    minutes,
    reading,
    subject,
    times,
    vitals,
)

HOSPITAL = Pause("hospital", NOW - minutes(600), NOW + minutes(600))
GUESTS = Pause("guests", NOW - minutes(600), NOW + minutes(60))
SICK = vitals(respiratory_rate=26, spo2=90, pulse=135, temperature=39.2)


def finding(kind: str, pages: int) -> Finding:
    return Finding(kind=kind, rule="r", severity=pages, pages=pages, key=kind, params={})


def suspended(*found: Finding, by: Pause) -> dict[str, int]:
    """What still pages, by kind."""
    assessment = Assessment(findings=list(found))
    pauses.suspend(Subject(id=1, pauses=(by,)), assessment)
    return {one.kind: one.pages for one in assessment.findings}


@pytest.mark.parametrize("by", [HOSPITAL, GUESTS, HOSPITAL._replace(kind="holiday")])
def test_what_is_never_filtered_is_never_paused(by: Pause) -> None:
    kinds = LIFE_SAFETY | {"call_request", "technical", "home_early"}
    assert suspended(*(finding(kind, 2) for kind in kinds), by=by) == dict.fromkeys(kinds, 2)


def test_hospital_suspends_every_other_kind() -> None:
    kinds = set(KINDS) - pauses.NEVER
    assert suspended(*(finding(kind, 3) for kind in kinds), by=HOSPITAL) == dict.fromkeys(kinds, 0)


def test_guests_suspend_what_is_told_from_routine_alone() -> None:
    assert suspended(finding("routine", 2), finding("news2", 3), by=GUESTS) == {
        "routine": 0,
        "news2": 3,
    }


def test_a_suspended_finding_keeps_its_severity_so_that_an_episode_stands() -> None:
    assessment = Assessment(findings=[finding("news2", 3)])
    pauses.suspend(Subject(id=1, pauses=(HOSPITAL,)), assessment)
    assert assessment.findings[0].severity == 3


def asked(*signs_ago: float, pause: Pause = HOSPITAL) -> list[Finding]:
    signs = [reading("pulse", 70, ago=ago) for ago in signs_ago]
    return findings(pauses.assess([Subject(id=1, pauses=(pause,), signs=signs)], context()))


def test_a_sign_of_life_while_away_is_asked_about() -> None:
    (found,) = asked(30, 5)
    assert (found.kind, found.severity, found.pages) == ("home_early", 1, 1)
    assert found.params["pause"] == "hospital"
    assert found.params["metric"] == "pulse"
    assert found.params["newest"] == "2025-03-03T11:55:00.000000Z"
    assert asked() == []
    assert asked(560) == [], "just left"
    assert len(asked(530)) == 1
    assert asked(5, pause=GUESTS) == []


def test_an_emergency_that_is_held_back_makes_home_early_urgent() -> None:
    client = subject(*SICK, pauses=(HOSPITAL,), signs=[reading("pulse", 135)])
    (one,) = assess([client], context())
    pages = {each.kind: each.pages for each in one.findings}
    assert pages == {"news2": 0, "home_early": 3}
    assert next(f for f in one.findings if f.kind == "home_early").params["held"] is True
    # Without a sign of life the values are those from before.
    (one,) = assess([replace(client, signs=[])], context())
    assert {each.pages for each in one.findings} == {0}
    (one,) = assess([replace(client, pauses=())], context())
    assert {each.kind: each.pages for each in one.findings} == {"news2": 4}


def test_an_old_sign_that_comes_late_asks_nobody() -> None:
    late = reading("pulse", 70, ago=300, late=299)
    (found,) = findings(pauses.assess([Subject(id=1, pauses=(HOSPITAL,), signs=[late])], context()))
    assert found.pages == 0


def test_looked_at_again_when_a_pause_ends_or_begins() -> None:
    def again(one: Subject) -> list[datetime]:
        return times(pauses.assess([one], context()))

    (at,) = again(Subject(id=1, pauses=(HOSPITAL, GUESTS)))
    assert GUESTS.until < at < GUESTS.until + minutes(1)
    (at,) = again(Subject(id=1, next_pause=NOW + minutes(3)))
    assert NOW + minutes(3) < at < NOW + minutes(4)
    assert again(Subject(id=1)) == []


def known(whose: int, kind: str, since: float, until: float) -> Known:
    return Known(whose, kind, NOW + minutes(since), NOW + minutes(until))


def test_a_home_is_left_when_everybody_has_left() -> None:
    one, two = known(1, "hospital", -60, 90), known(2, "holiday", -30, 60)
    assert bearing(9, "home", [one], residents=2, now=NOW) == ((), None)
    (left,), _ = bearing(9, "home", [one, two], residents=2, now=NOW)
    assert left == Pause("holiday", NOW - minutes(30), NOW + minutes(60))
    (left,), _ = bearing(9, "home", [one], residents=1, now=NOW)
    assert left.kind == "hospital"
    (left,), _ = bearing(9, "home", [known(9, "holiday", -1, 5)], residents=2, now=NOW)
    assert left.kind == "holiday"
    (left,), _ = bearing(9, "home", [known(1, "guests", -1, 5)], residents=2, now=NOW)
    assert left.kind == "guests"
    assert bearing(9, "home", [known(9, "holiday", -5, 0)], residents=0, now=NOW) == ((), None)


def test_a_client_is_paused_from_beginning_to_end() -> None:
    later = known(1, "holiday", 5, 60)
    assert bearing(1, "client", [later], residents=1, now=NOW) == ((), later.since)
    (on,), ahead = bearing(1, "client", [later], residents=1, now=later.since)
    assert (on.kind, ahead) == ("holiday", None)
    assert bearing(1, "client", [later], residents=1, now=later.until) == ((), None)
