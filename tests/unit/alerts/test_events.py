"""Help, smoke, carbon monoxide, fall; a wish for a call."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.finding import LIFE_SAFETY, Finding, Reading
from alerts.subjects import events
from alerts.subjects.subject import Subject
from tests.unit.alerts.making import context, findings, reading

YEAR = 365 * 24 * 60


def found(*readings: Reading, who: int = 1) -> list[Finding]:
    return findings(events.assess([Subject(id=who, events=list(readings))], context()))


@pytest.mark.parametrize("metric", sorted(LIFE_SAFETY))
@pytest.mark.parametrize("ago", [0, 29, 60, 5 * YEAR])
@pytest.mark.parametrize("state", [0, 1])
def test_life_safety_pages_whatever_its_age_and_doubt(metric: str, ago: int, state: int) -> None:
    (finding,) = found(reading(metric, 1, ago=ago, late=ago, state=state))
    assert (finding.kind, finding.severity, finding.pages) == (metric, 4, 4)
    assert finding.params["late"] == (ago > 30)


def test_struck_out_is_no_event() -> None:
    assert found(reading("help", 1, state=2)) == []


def test_call_request_is_heard_for_a_day() -> None:
    (finding,) = found(reading("call_request", 1, ago=23 * 60, late=23 * 60))
    assert finding.pages == 2
    assert found(reading("call_request", 1, ago=25 * 60)) == []
    assert found(reading("call_request", 1, state=1)) == []


def test_presses_are_joined_newest_first() -> None:
    (finding,) = found(reading("help", 1, ago=3), reading("help", 1, ago=1))
    assert finding.params["count"] == 2
    assert finding.evidence[0].time > finding.evidence[1].time


def test_calls_of_nobody_known_do_not_hide_each_other() -> None:
    unknown = [reading("help", 1, ago=ago, device=0) for ago in (1, 2)]
    known = [reading("help", 1, ago=ago, device=7) for ago in (1, 2)]
    said = found(*unknown, *known, who=0)
    assert len({finding.origin for finding in said}) == len(said) == 3
    assert all(finding.params["unknown_device"] for finding in said)


def test_kinds_are_told_apart() -> None:
    said = found(reading("help", 1), reading("smoke", 1))
    assert {finding.kind for finding in said} == {"help", "smoke"}
    assert timedelta(0) == said[0].evidence[0].received_at - said[0].evidence[0].time
