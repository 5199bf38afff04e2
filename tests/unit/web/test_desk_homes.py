"""Which homes are silent, and where they are drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from web.desk.places import LETTER, LINE, Centre, drawn
from web.desk.silent import Homes, Silence, tally

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def silence(
    number: int,
    home: int,
    *,
    area: int = 1,
    key: str = "gateway_silent",
    hours: int = 1,
    **more: Any,
) -> Silence:
    needs = more.pop("needs", {})
    last = (NOW - timedelta(hours=hours)).isoformat()
    summary = {"key": key, "params": {"last": last, "needs": needs}, **more}
    return Silence(number, 2, NOW, home, area, key != "device_silent", summary)


def test_every_home_is_counted_once_and_a_quiet_area_is_there() -> None:
    found = tally(
        {1: 10, 2: 5},
        {7: 1, 8: 1},
        [
            silence(1, 3),
            silence(2, 4, key="gateway_deaf"),
            silence(3, 5, inhibited_by="pause"),
            silence(4, 7),  # An outage says it already.
            silence(5, 6, key="device_silent"),
            silence(6, 5, key="device_silent", inhibited_by="gateway_silent"),
        ],
    )
    assert found.areas == {
        1: Homes(10, silent=2, out=2, explained=1, devices=1),
        2: Homes(5),
    }
    assert (found.county.heard, found.areas[2].heard) == (10, 5)
    assert [one.id for one in found.silent] == [1, 2]


def test_who_lives_by_a_device_comes_first_then_the_longest_silent() -> None:
    found = tally(
        {1: 9},
        {},
        [
            silence(1, 1, hours=9),
            silence(2, 2, hours=5, needs={"help_button": 1}),
            silence(3, 3, hours=1, needs={"oxygen": 1}),
            silence(4, 4, hours=20),
        ],
    )
    assert [one.id for one in found.silent] == [3, 2, 4, 1]


def test_a_home_that_was_never_heard_is_silent_since_that_was_noticed() -> None:
    never = Silence(1, 2, NOW, 1, 1, True, {"key": "gateway_silent", "params": {"last": None}})
    assert never.since == NOW


COUNTY = tuple(
    Centre(*one)
    for one in (
        (1, "Imatra", 61.1719, 28.7686, 900), (2, "Lappeenranta", 61.0583, 28.1887, 2600),
        (3, "Lemi", 61.0628, 27.8031, 100), (4, "Luumäki", 60.9211, 27.5, 150),
        (5, "Parikkala", 61.55, 29.5, 160), (6, "Rautjärvi", 61.4375, 29.35, 110),
        (7, "Ruokolahti", 61.2917, 28.82, 180), (8, "Savitaipale", 61.1975, 27.68, 120),
        (9, "Taipalsaari", 61.1597, 28.06, 150),
    )
)  # fmt: skip


def test_no_circle_or_name_covers_another_and_west_is_left() -> None:
    found = drawn(COUNTY)
    assert found is not None
    circles = found.circles
    half = {one.area: max(circles[one.area].r, len(one.name) * LETTER / 2) for one in COUNTY}
    for a, b in combinations(circles, 2):
        one, other = circles[a], circles[b]
        upper, lower = sorted((one, other), key=lambda it: it.y)
        assert (
            abs(one.x - other.x) >= half[a] + half[b]
            or lower.y - lower.r >= upper.y + upper.r + LINE
        ), (a, b)
    assert circles[4].x < circles[2].x < circles[1].x < circles[5].x
    assert circles[5].y < circles[7].y < circles[4].y  # North is up.
    assert circles[2].r > circles[1].r > circles[3].r
    for number, one in circles.items():
        assert half[number] <= one.x <= found.width - half[number]
        assert one.r <= one.y <= found.height - one.r - LINE


def test_areas_at_one_place_are_drawn_apart_and_one_place_is_no_map() -> None:
    twice = drawn((*COUNTY[:2], COUNTY[0]._replace(area=3)))
    assert twice is not None
    assert twice.circles[1] != twice.circles[3]
    assert drawn(COUNTY[:1]) is None
    assert drawn(()) is None


def test_areas_on_one_meridian_are_a_map() -> None:
    found = drawn((Centre(1, "a", 61.0, 28.0, 0), Centre(2, "b", 62.0, 28.0, 0)))
    assert found is not None
    assert found.circles[2].y < found.circles[1].y
