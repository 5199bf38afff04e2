"""Silence of devices and gateways, and of ourselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.assess.assess import assess as assess_all
from alerts.finding import Finding
from alerts.silence import silence
from alerts.subjects.line import GAP, Line
from alerts.subjects.subject import Device, Subject
from tests.unit.alerts.making import NOW, context, findings, minutes, reading, times

ALIVE = Line(alive_at=NOW, wall_at=NOW)


def device(ident: int, *, ago: float, owner: int = 1, gateway: str = "g", **more: Any) -> Device:
    return Device(
        id=ident,
        name=f"d{ident}",
        kind="wearable",
        location="",
        gateway=gateway,
        owner=owner,
        silent_after=minutes(15),
        heard_at=NOW - minutes(ago),
        last=reading("pulse", 70, ago=ago),
        **more,
    )


def assess(
    *devices: Device, who: int = 1, kind: str = "client", line: Line = ALIVE
) -> tuple[list[Finding], list[datetime]]:
    one = Subject(id=who, kind=kind, devices=list(devices))
    said = list(silence.assess([one], context(line=line)))
    return findings(said), times(said)


def test_a_device_falls_silent() -> None:
    heard = device(2, ago=5)
    (finding,), (again,) = assess(device(1, ago=16), heard)
    assert (finding.key, finding.origin, finding.pages) == ("device_silent", "g/d1", 1)
    assert finding.params["last"] == "2025-03-03T11:44:00.000000Z"
    assert again - NOW == minutes(2) + timedelta(seconds=1)
    said, (again,) = assess(device(1, ago=10), heard)
    assert said == []
    assert again - NOW == minutes(5) + timedelta(seconds=1)
    assert assess(device(1, ago=15), heard)[0] == []


def test_one_cause_makes_one_finding() -> None:
    silent = [device(1, ago=20), device(2, ago=30, owner=2)]
    (home,), _ = assess(*silent, who=3, kind="home")
    assert (home.key, home.origin, home.pages) == ("gateway_silent", "g", 2)
    assert home.params["devices"] == 2
    assert home.evidence[0].time == NOW - minutes(20)
    # The clients' own devices open nothing, but keep standing what stood already.
    (own,), _ = assess(*silent, who=1)
    assert (own.origin, own.severity, own.pages) == ("g/d1", 1, 0)


def test_a_gateway_that_speaks_is_not_the_cause() -> None:
    speaking: dict[str, Any] = {"gateway_online": True, "gateway_heard_at": NOW - minutes(1)}
    only = device(1, ago=20, **speaking)
    assert assess(only, who=3, kind="home")[0] == []
    assert [finding.pages for finding in assess(only, who=1)[0]] == [1]
    mute: dict[str, Any] = {"gateway_online": True, "gateway_heard_at": NOW - minutes(16)}
    silent = [device(1, ago=20, **mute), device(2, ago=30, owner=2, **mute)]
    assert assess(*silent, who=3, kind="home")[0]
    gone: dict[str, Any] = {"gateway_online": False, "gateway_heard_at": NOW}
    silent = [device(1, ago=20, **gone), device(2, ago=30, owner=2, **gone)]
    assert assess(*silent, who=3, kind="home")[0]


def test_a_gateway_that_speaks_and_hears_nothing_is_the_cause() -> None:
    speaking: dict[str, Any] = {"gateway_online": True, "gateway_heard_at": NOW - minutes(1)}
    deaf = [device(1, ago=20, **speaking), device(2, ago=30, owner=2, **speaking)]
    (home,), _ = assess(*deaf, who=3, kind="home")
    assert (home.key, home.pages) == ("gateway_deaf", 2)
    (own,), _ = assess(*deaf, who=1)
    assert (own.pages, own.inhibited_by) == (0, "gateway_deaf")


def test_what_the_broker_says_of_a_gateway_is_said() -> None:
    gone: dict[str, Any] = {"gateway_online": False, "gateway_heard_at": NOW - minutes(20)}
    assert assess(device(1, ago=20, **gone), who=3, kind="home")[0][0].params["said"] is True
    assert assess(device(1, ago=20), who=3, kind="home")[0][0].params["said"] is False


def out(door: float | None, moved: float | None, *, ago: float = 20, kind: str = "wearable") -> str:
    """By what a silent device is explained, the door and movement having been so long ago."""
    one = Subject(
        id=1,
        devices=[replace(device(1, ago=ago), kind=kind), device(2, ago=1)],
        door_at=None if door is None else NOW - minutes(door),
        moved_at=None if moved is None else NOW - minutes(moved),
    )
    (finding,) = findings(silence.assess([one], context(line=ALIVE)))
    assert finding.pages == (0 if finding.inhibited_by else 1)
    return finding.inhibited_by


def test_what_is_carried_out_of_the_door_is_explained_for_a_while() -> None:
    assert out(20, 22) == "absence"
    assert out(30, 26) == "absence", "sensors near the door still see who leaves"
    assert out(30, 10) == "", "somebody moves at home"
    assert out(None, None) == ""
    assert out(600, 700, ago=20) == "", "heard long after the door"
    assert out(20, 22, kind="scale") == "", "nobody carries a scale about"
    assert out(12 * 60 - 1, None, ago=12 * 60 - 1) == "absence"
    assert out(12 * 60, None, ago=12 * 60) == "", "has not come back"


def test_an_outage_above_the_home_explains_its_gateway() -> None:
    silent = [device(1, ago=20), device(2, ago=30, owner=2)]
    for who, kind in ((3, "home"), (1, "client")):
        one = Subject(id=who, kind=kind, devices=silent, lost=frozenset({"g"}))
        (done,) = assess_all([one], context(line=ALIVE))
        (finding,) = done.findings
        assert finding.pages == 0
        assert finding.severity > 0
        assert finding.inhibited_by == ("area_outage" if kind == "home" else "gateway_silent")
        other = replace(one, lost=frozenset({"h"}))
        (done,) = assess_all([other], context(line=ALIVE))
        assert done.findings[0].inhibited_by == ("" if kind == "home" else "gateway_silent")


def test_gateways_are_told_apart() -> None:
    said, _ = assess(device(1, ago=20), device(2, ago=1, gateway="h"), who=3, kind="home")
    assert [finding.origin for finding in said] == ["g"]


def test_a_device_that_was_never_heard() -> None:
    never = device(1, ago=20)
    never.last = None
    (finding,), _ = assess(never, device(2, ago=1))
    assert finding.params["last"] is None
    assert finding.evidence == ()


def test_where_the_line_was_never_alive_nobody_is_silent() -> None:
    assert assess(device(1, ago=5000), line=Line())[0] == []


def test_our_own_outage_makes_nobody_silent() -> None:
    # Heard 4 h ago; ingest was down from then until 5 minutes ago.
    line = Line(NOW, NOW, ((NOW - minutes(238), NOW - minutes(5)),))
    assert assess(device(1, ago=240), line=line)[0] == []
    # 15 minutes of listening later it is silent.
    line = Line(NOW, NOW, ((NOW - minutes(238), NOW - minutes(13)),))
    assert assess(device(1, ago=240), device(2, ago=1), line=line)[0] == []
    line = Line(NOW, NOW, ((NOW - minutes(238), NOW - minutes(14)),))
    assert len(assess(device(1, ago=240), device(2, ago=1), line=line)[0]) == 1


def test_an_outage_that_goes_on_adds_no_silence() -> None:
    line = Line(NOW - minutes(60), NOW - minutes(60))
    assert assess(device(1, ago=70), line=line)[0] == []


def test_gaps_in_the_signs_of_life_are_outages() -> None:
    line = Line().seen(wall=NOW, now=NOW)
    line = line.seen(wall=NOW + GAP, now=NOW + GAP)
    assert line.outages == ()
    after = NOW + GAP * 3
    line = line.seen(wall=after, now=after)
    assert line.outages == ((NOW + GAP, after),)


def test_the_shared_clock_may_jump_over_a_night() -> None:
    # Simulated time goes on while the programme is stopped; wall time shows the gap.
    line = Line().seen(wall=NOW, now=NOW)
    jumped = NOW + timedelta(hours=9)
    line = line.seen(wall=NOW + timedelta(minutes=1), now=jumped)
    assert line.silence(NOW) == timedelta(0)


@given(st.lists(st.integers(1, 100), max_size=30), st.integers(0, 2000))
def test_silence_is_never_more_than_the_time_in_which_the_line_was_whole(
    gaps: list[int], since: int
) -> None:
    line, wall = Line().seen(wall=NOW, now=NOW), NOW
    whole: list[tuple[datetime, datetime]] = []
    for seconds in gaps:
        before, wall = wall, wall + timedelta(seconds=seconds)
        line = line.seen(wall=wall, now=wall)
        if wall - before <= GAP:
            whole.append((before, wall))
    start = NOW + timedelta(seconds=since)
    heard = sum((max(timedelta(0), end - max(begin, start)) for begin, end in whole), timedelta(0))
    assert line.silence(start) == heard


@given(st.lists(st.integers(1, 100), max_size=30), st.integers(1, 2000))
def test_who_was_heard_before_a_moment_has_been_silent_for_longer(
    gaps: list[int], seconds: int
) -> None:
    line, wall = Line().seen(wall=NOW, now=NOW), NOW
    for gap in gaps:
        wall += timedelta(seconds=gap)
        line = line.seen(wall=wall, now=wall)
    silence_s = timedelta(seconds=seconds)
    moment = line.before(silence_s)
    assert moment is not None
    assert line.silence(moment) <= silence_s
    assert line.silence(moment - timedelta(hours=1)) > silence_s
    assert line.silence(moment) == silence_s
    assert Line().before(silence_s) is None


@pytest.mark.parametrize("ago", [1.0, 14.9, 15.1, 500.0])
def test_looking_again_is_never_in_the_past(ago: float) -> None:
    _, again = assess(device(1, ago=ago), device(2, ago=3))
    assert all(at > NOW for at in again)
