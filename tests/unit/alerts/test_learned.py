"""The models at work: memory in, memory out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from alerts.finding import Finding, Reading
from alerts.learned import memory as learned_memory
from alerts.learned.learned import Learned, News, Told, empty, local_offset, news, place_of, since
from alerts.rules.shipped import shipped_rules
from alerts.subjects.subject import Client, Context, Subject
from core.catalogue import catalogue
from models.following import Memory
from models.household import PLACES
from models.rooms import MEASURES
from tests.unit.models.made_county import USUAL, made_county

NOON = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)
Row = tuple[int, str, datetime, float]
SIGNS = ("pulse", "spo2", "temperature", "systolic")
KITCHEN, FRONT = PLACES.index("kitchen"), PLACES.index("front")


def columns(rows: list[Row], now: datetime, places: dict[int, int] | None = None,
            received: datetime | None = None) -> News:  # fmt: skip
    """Rows as what is new; `places` by metric for ambient ones."""
    array: Any = np.array
    time = array([row[2].timestamp() for row in rows], dtype=float)
    metric = array([catalogue()[row[1]].id for row in rows], dtype=np.int64)
    place = array([(places or {}).get(row[0], KITCHEN) for row in rows], dtype=np.int64)
    return news(
        array([row[0] for row in rows], dtype=np.int64), metric, place, time,
        array([row[3] for row in rows], dtype=float),
        time if received is None else np.full(len(rows), received.timestamp()),
        offset=local_offset(now),
    )  # fmt: skip


def session(subject: int, at: datetime, off: float = 0.0, noise: int = 0) -> list[Row]:
    """Measured by hand: `off` spreads worse than usual."""
    rng = np.random.default_rng(noise)
    return [
        (subject, name, at + timedelta(minutes=n),
         USUAL[name][0] + USUAL[name][1] * (sign * off + 0.5 * rng.normal()))
        for n, (name, sign) in enumerate(zip(SIGNS, (1, -1, 1, -1), strict=True))
    ]  # fmt: skip


def subject(number: int = 1, kind: str = "client") -> Subject:
    return Subject(number, kind, Client(born=date(1940, 1, 1)) if kind == "client" else None)


def look(
    now: datetime, new: News, memory: Memory, subjects: list[Subject] | None = None,
    *, held: bool = False, listening: float = 1.0,
) -> Told:  # fmt: skip
    subjects = subjects or [subject()]
    many = len(subjects)
    return Learned(made_county()).assess(
        subjects, Context(now=now, rules=shipped_rules()), new, memory,
        held=np.full(many, held), listening=np.full(many, listening),
    )  # fmt: skip


def findings(told: Told) -> list[Finding]:
    return [said for _, said in told.verdicts if isinstance(said, Finding)]


def fortnight(off: float = 0.0) -> Memory:
    """Fourteen days of two sessions each, in looks of a day."""
    memory = empty(1)
    for day in range(14):
        at = NOON - (14 - day) * DAY
        rows = session(0, at, off, day) + session(0, at + 0.4 * DAY, off, day + 50)
        memory = look(at + DAY / 2, columns(rows, at), memory).memory
    return memory


def test_an_illness_is_told_with_reasons() -> None:
    memory = fortnight()
    ill = session(0, NOON, 5.0)
    who = subject()
    who.newest["pulse"] = [Reading("pulse", ill[0][3], NOON, NOON, 7)]
    told = look(NOON + timedelta(minutes=4), columns(ill, NOON), memory, [who])
    (found,) = findings(told)
    assert (found.kind, found.rule, found.severity) == ("deterioration", "deterioration_urgent", 3)
    assert found.pages == 3
    assert found.evidence == tuple(who.newest["pulse"])
    reasons = {one["metric"]: one for one in found.params["reasons"]}
    assert reasons["pulse"]["key"] == "above"
    assert reasons["spo2"]["key"] == "below"
    assert reasons["pulse"]["usual"] == pytest.approx(70.0, abs=2.0)
    assert reasons["pulse"]["value"] == pytest.approx(90.0, abs=3.0)
    assert "weight" in found.missing


def test_a_well_client_is_left_alone() -> None:
    told = look(NOON, columns(session(0, NOON - DAY / 100, 0.0, 99), NOON), fortnight())
    assert findings(told) == []


def test_what_is_usual_for_one_is_not_for_another() -> None:
    """Four spreads off is usual for whom it always was."""
    used = look(NOON, columns(session(0, NOON - DAY / 100, 4.0, 99), NOON), fortnight(4.0))
    assert findings(used) == []


def test_what_is_late_pages_nobody() -> None:
    ill = session(0, NOON, 5.0)
    who = subject()
    later = NOON + timedelta(hours=3)
    who.newest["pulse"] = [Reading("pulse", ill[0][3], NOON, later, 7)]
    told = look(later, columns(ill, NOON, received=later), fortnight(), [who])
    (found,) = findings(told)
    assert (found.severity, found.pages) == (3, 0)


def test_in_pieces_and_again_it_remembers_the_same() -> None:
    """Whatever was looked at when, and however often the same readings were handed in."""
    rows = [row for day in range(6) for row in session(0, NOON + day * DAY, 0.5, day)]
    rows += [(0, "pulse", NOON + timedelta(minutes=n), 71.0 + n % 5) for n in range(300)]
    rows += [(0, "motion", NOON + timedelta(minutes=37 * n), 1.0) for n in range(200)]
    end = NOON + 6 * DAY
    whole = look(end, columns(rows, end), empty(1)).memory
    pieces = empty(1)
    edges = [NOON + timedelta(minutes=m) for m in (0, 3, 4, 31, 64, 301, 1500, 5000, 7000)] + [end]
    for before, at in pairwise(edges):
        some = [r for r in rows if before - timedelta(hours=2) <= r[2] < at]
        told = look(at, columns(some, at), pieces)
        again = look(at, columns(some, at), told.memory)
        pieces = again.memory
    for memory in (whole, pieces):
        memory.signs["taken_at"] = 0.0
        memory.rooms["taken_at"] = 0.0
    assert pieces.signs.tobytes() == whole.signs.tobytes()
    assert pieces.days.tobytes() == whole.days.tobytes()
    for name in ("count", "day", "age", "began", "place_at"):
        assert np.array_equal(pieces.rooms[name], whole.rooms[name]), name
    assert np.allclose(pieces.rooms["expected"], whole.rooms["expected"], rtol=1e-4, atol=1e-5)


def test_what_is_late_fills_the_day_that_has_nothing() -> None:
    memory = fortnight()
    day = (NOON - 3 * DAY).replace(hour=7)
    late = [(0, "glucose", day, 5.5)]
    told = look(NOON, columns(late, NOON, received=NOON - timedelta(minutes=1)), memory)
    assert told.changed_days[0]
    assert (told.memory.days["value"][0] == 5.5).any()
    assert told.memory.signs["usual"].tobytes() == memory.signs["usual"].tobytes()


def test_a_meters_hi_is_a_value() -> None:
    rows = [(0, "glucose", NOON, float("inf"))]
    new = columns(rows, NOON)
    assert new.measured.value.tolist() == [catalogue()["glucose"].possible[1]]


def test_nothing_is_learned_while_an_episode_is_open() -> None:
    before = fortnight()
    rows = session(0, NOON - DAY / 20, 1.0, 7)
    level = USUAL["pulse"][0]
    held = look(NOON, columns(rows, NOON), before, held=True).memory
    free = look(NOON, columns(rows, NOON), before).memory
    weight = [m.signs["usual"]["weight"][0, 0] for m in (before, held, free)]
    assert weight[1] <= weight[0] < weight[2]
    assert held.signs["value"][0, 0] != pytest.approx(level, abs=1e-3)


def wandering(days: int, begin: datetime, home: int = 0) -> list[Row]:
    """A sign of life every ten minutes from 7 to 22, every three hours at night."""
    rows: list[Row] = []
    at = begin
    while at < begin + days * DAY:
        rows.append((home, "motion", at, 1.0))
        night = at.hour >= 20 or at.hour < 5
        at += timedelta(hours=3) if night else timedelta(minutes=10)
    return rows


def lived(kind: str = "client") -> Memory:
    begin = NOON - 10 * DAY
    rows = wandering(10, begin)
    return look(NOON, columns(rows, NOON), empty(1), [subject(1, kind)]).memory


def test_a_home_that_falls_silent_pages() -> None:
    memory, empty_ = lived(), columns([], NOON)
    told = look(NOON + timedelta(minutes=30), empty_, memory)
    assert [one.kind for one in findings(told)] == []
    told = look(NOON + timedelta(hours=5), empty_, told.memory)
    (found,) = findings(told)
    assert (found.kind, found.severity, found.pages) == ("inactivity", 3, 3)
    assert found.params["hours"] == pytest.approx(5.0, abs=0.3)
    assert found.params["one_in"] > 50_000
    assert found.params["alone"] is True
    ends = [(0, "motion", NOON + timedelta(hours=5, minutes=1), 1.0)]
    after = look(NOON + timedelta(hours=5, minutes=10), columns(ends, NOON), told.memory)
    assert findings(after) == []


def test_a_home_for_two_pages_with_less_hurry() -> None:
    told = look(NOON + timedelta(hours=5), columns([], NOON), lived("home"), [subject(1, "home")])
    (found,) = findings(told)
    assert (found.severity, found.params["alone"]) == (2, False)


def test_who_cannot_be_heard_is_not_silent() -> None:
    memory = lived()
    for hours in range(1, 9):
        told = look(NOON + timedelta(hours=hours), columns([], NOON), memory, listening=0.0)
        memory = told.memory
        assert findings(told) == []


@pytest.mark.parametrize("listening", [1.0, 0.0])
def test_a_day_that_nobody_could_hear_is_no_quiet_day(listening: float) -> None:
    memory = look(NOON + DAY, columns([], NOON), lived(), listening=listening).memory
    rows = [(0, "motion", NOON + timedelta(days=1, minutes=5), 1.0)]
    after = look(NOON + 1.6 * DAY, columns(rows, NOON), memory, listening=listening).memory
    visits = after.rooms["fewer"][0, MEASURES.index("kitchen_visits")]
    assert np.isnan(visits) == (listening == 0.0)


def test_a_sign_of_life_that_comes_late_ends_the_silence() -> None:
    memory = look(NOON + timedelta(hours=4), columns([], NOON), lived()).memory
    came = NOON + timedelta(hours=4, minutes=30)
    late = [(0, "motion", NOON + timedelta(hours=3, minutes=50), 1.0)]
    told = look(came, columns(late, NOON, received=came - timedelta(minutes=1)), memory)
    assert findings(told) == []
    assert told.memory.rooms["age"][0] <= 9


def test_a_restless_night_is_reviewed() -> None:
    memory = lived()
    bath = {0: PLACES.index("bathroom")}
    night = datetime(2026, 3, 2, 21, tzinfo=UTC)
    # Once a night is usual here, so that it is known that there is a sensor.
    for back in range(12):
        at = night + back * DAY
        memory = look(at, columns([(0, "motion", at, 1.0)], at, bath), memory).memory
    last = night + 12 * DAY
    rows = [(0, "motion", last + timedelta(minutes=20 * n), 1.0) for n in range(20)]
    told = look(last + timedelta(hours=8), columns(rows, last, bath), memory)
    (found,) = [one for one in findings(told) if one.kind == "routine"]
    assert (found.origin, found.severity, found.params["value"]) == ("night_bathroom", 1, 20.0)
    assert found.params["high"] <= 6


def test_a_shift_of_weight_is_reviewed() -> None:
    memory = empty(1)
    told = None
    for day in range(42):
        at = NOON + day * DAY
        weight = 75.0 if day < 32 else 71.0
        rows: list[Row] = [(0, "weight", at, weight + 0.2 * (day % 3))]
        told = look(at + DAY / 2, columns(rows, at), memory)
        memory = told.memory
    assert told is not None
    (found,) = [one for one in findings(told) if one.kind == "trend"]
    assert (found.origin, found.severity) == ("weight", 1)
    assert found.params["before"] == pytest.approx(75.2, abs=0.3)
    assert found.params["after"] == pytest.approx(71.2, abs=0.3)


def treated(*conditions: str) -> Subject:
    return Subject(1, "client", Client(date(1940, 1, 1), conditions=frozenset(conditions)))


def pressures(*values: float, who: Subject) -> list[Finding]:
    """What is said after a fortnight at 130, then a value every 12 hours; the last is now."""
    memory = fortnight()
    for number, value in enumerate(values):
        at = NOON + number * DAY / 2
        who.newest["systolic"] = [Reading("systolic", value, at, at, 7)]
        told = look(at + timedelta(minutes=1), columns([(0, "systolic", at, value)], at), memory,
                    [who])  # fmt: skip
        memory = told.memory
    return [one for one in findings(told) if one.rule == "pressure_above_usual"]


def test_a_treated_pressure_that_rises_for_a_day_calls() -> None:
    (found,) = pressures(140.0, 148.0, 150.0, 152.0, who=treated("hypertension"))
    assert (found.kind, found.origin, found.severity, found.pages) == ("trend", "systolic", 2, 2)
    assert found.params["value"] == 152.0
    assert found.params["usual"] == pytest.approx(130.0, abs=4.0)
    assert [one.value for one in found.evidence] == [152.0]


@pytest.mark.parametrize(
    ("values", "conditions"),
    [
        ((150.0,), ("hypertension",)),  # once
        ((150.0, 152.0, 151.0, 132.0), ("hypertension",)),  # not any more
        ((137.0, 138.0, 139.0, 140.0), ("hypertension",)),  # too little to matter
        ((140.0, 148.0, 150.0, 152.0), ()),  # nobody treats it
    ],
)
def test_a_pressure_that_does_not_stay_up_calls_nobody(
    values: tuple[float, ...], conditions: tuple[str, ...]
) -> None:
    assert pressures(*values, who=treated(*conditions)) == []


def test_a_pressure_that_comes_late_calls_nobody() -> None:
    who = treated("hypertension")
    memory = fortnight()
    rows: list[Row] = [(0, "systolic", NOON + n * DAY / 2, 155.0) for n in range(4)]
    late = NOON + 2 * DAY
    who.newest["systolic"] = [Reading("systolic", 155.0, rows[-1][2], late, 7)]
    told = look(late, columns(rows, late, received=late), memory, [who])
    (found,) = [one for one in findings(told) if one.rule == "pressure_above_usual"]
    assert (found.severity, found.pages) == (2, 0)


def test_a_memory_comes_back_and_another_layout_is_refused() -> None:
    memory = lived()
    stored = learned_memory.packed(memory, 0)
    back = empty(1)
    assert learned_memory.unpacked(back, 0, stored)
    assert back.signs.tobytes() == memory.signs.tobytes()
    assert back.rooms.tobytes() == memory.rooms.tobytes()
    for part in ("signs", "days", "rooms"):
        content = getattr(stored, part)
        for broken in (content[:-1], b"x" + content[1:], b""):
            fresh = empty(1)
            assert not learned_memory.unpacked(fresh, 0, stored._replace(**{part: broken}))
            assert fresh.signs.tobytes() == empty(1).signs.tobytes()


def test_subjects_of_a_batch_do_not_mix() -> None:
    subjects = [subject(1), subject(2), subject(3, "home")]
    rows = session(0, NOON, 0.3, 1) + session(1, NOON, 5.0, 2) + wandering(1, NOON, 2)
    end = NOON + DAY
    told = look(end, columns(rows, end), empty(3), subjects)
    for row in range(3):
        alone = look(
            end, columns(rows, end).only(np.array([row])), empty(1), [subjects[row]]
        ).memory  # fmt: skip
        assert alone.signs[0].tobytes() == told.memory.signs[row].tobytes()
        assert alone.rooms[0].tobytes() == told.memory.rooms[row].tobytes()


def test_everything_since_the_last_slot_is_asked_for_again() -> None:
    memory = look(NOON + timedelta(minutes=7), columns(session(0, NOON), NOON), empty(1)).memory
    assert since(memory)[0] == (NOON + timedelta(minutes=5)).timestamp()


@pytest.mark.parametrize(
    ("kind", "location", "place"),
    [("motion", "kitchen", "kitchen"), ("motion", "attic", "elsewhere"), ("door", "front", "front"),
     ("door", "garage", "elsewhere"), ("plug", "kitchen", "cooking")],
)  # fmt: skip
def test_places(kind: str, location: str, place: str) -> None:
    assert PLACES[place_of(kind, location)] == place


def test_a_home_that_was_just_met_differs_from_no_routine() -> None:
    met = [(0, "motion", NOON + timedelta(minutes=5 * n), 1.0) for n in range(12)]
    now = NOON + timedelta(hours=1)
    told = look(now, columns(met, now), empty(1))
    assert told.has_rooms.all()
    assert [found for found in findings(told) if found.kind == "routine"] == []
    later = now + timedelta(hours=1)
    again = look(later, columns([], later), told.memory)
    assert [found for found in findings(again) if found.kind == "routine"] == []
