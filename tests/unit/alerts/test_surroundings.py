"""Rooms by season, and an outside door at night."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from alerts.assess import surroundings
from alerts.finding import Finding, Reading
from alerts.subjects.subject import Client, Subject
from core.record import Record
from tests.unit.alerts.episode_world import World
from tests.unit.alerts.making import NOW, context, findings, minutes, times
from tests.unit.alerts.test_standing import changed

WINTER = datetime(2025, 1, 15, 12, tzinfo=UTC)
SUMMER = datetime(2025, 7, 15, 12, tzinfo=UTC)


def room(value: float, at: datetime, *, frail: bool = False, kind: str = "home") -> Subject:
    record = Record(frail=frail)
    reading = Reading("room_temperature", value, at, at, 7)
    if kind == "home":
        return Subject(id=1, kind="home", residents=(record,), slow={"room_temperature": [reading]})
    client = Client(born=date(1940, 1, 1), record=record)
    return Subject(id=1, client=client, slow={"room_temperature": [reading]})


def found(one: Subject, now: datetime) -> list[Finding]:
    return [
        finding
        for finding in findings(surroundings.assess_rooms([one], context(now=now)))
        if finding.hold == "raise"
    ]


@pytest.mark.parametrize(
    ("value", "at", "key"),
    [
        (17.9, WINTER, "room_cold"),
        (18.0, WINTER, None),
        (26.0, WINTER, None),
        (26.1, WINTER, "room_hot"),
        (17.0, SUMMER, None),
        (30.0, SUMMER, None),
        (32.0, SUMMER, None),
        (32.1, SUMMER, "room_hot"),
    ],
)
def test_rooms_by_season(value: float, at: datetime, key: str | None) -> None:
    said = found(room(value, at), at)
    assert [(one.key, one.severity) for one in said] == ([(key, 1)] if key else [])


@pytest.mark.parametrize("kind", ["home", "client"])
def test_a_room_of_somebody_frail_alerts(kind: str) -> None:
    (finding,) = found(room(33, SUMMER, frail=True, kind=kind), SUMMER)
    assert (finding.severity, finding.params["frail"]) == (2, True)


def test_an_open_window_is_no_cold_home() -> None:
    world = World()

    def look(value: float, at: float) -> list[str]:
        world.now = WINTER + minutes(at)
        one = room(value, world.now)
        said = findings(surroundings.assess_rooms([one], context(now=world.now)))
        return world.see(*said, valid=("room_temperature",))

    assert look(16.0, 0) == []
    assert look(19.0, 20) == []
    assert look(17.0, 40) == []
    assert look(17.0, 99) == []
    assert look(17.0, 100) == ["opened"]
    assert look(18.2, 200) == []  # above 18, and not yet above 18.5
    assert look(18.2, 300) == []
    assert look(18.6, 310) == []
    assert look(18.6, 340) == ["cleared"]


NIGHT = datetime(2025, 3, 3, 1, tzinfo=UTC)  # three o'clock in Finland


def door(back: float | None = None, *, at: datetime = NIGHT, on: bool = True) -> Subject:
    one = Subject(id=1, kind="home", slow={"door": [Reading("door", 0, at, at, 8)]})
    one.back_at = None if back is None else at + minutes(back)
    if on:
        rule = changed(outside_door="enabled = true")["outside_door"]
        one.rules = {rule.id: rule}
    return one


def test_out_at_night_and_not_back() -> None:
    said = list(surroundings.assess_doors([door()], context(now=NIGHT + minutes(5))))
    assert (findings(said), times(said)) == ([], [NIGHT + minutes(15)])
    later = context(now=NIGHT + minutes(15))
    (finding,) = findings(surroundings.assess_doors([door()], later))
    assert (finding.key, finding.severity, finding.pages) == ("outside_door", 3, 3)
    # Movement while going out is not coming back.
    assert findings(surroundings.assess_doors([door(2)], later))
    assert not list(surroundings.assess_doors([door(4)], later))
    # By day, and where nobody asked for it.
    assert not list(surroundings.assess_doors([door(at=NOW)], context(now=NOW + minutes(60))))
    assert not list(surroundings.assess_doors([door(on=False)], later))
