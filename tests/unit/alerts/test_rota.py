"""Weekly patterns, holidays, swaps, both nights of the clock change, and gaps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from alerts.routing.rota import (
    DAYS,
    Gap,
    RotaError,
    day_name,
    gaps,
    is_holiday,
    parse_rota,
    read_rota,
    shifts,
)

HOUR = timedelta(hours=1)
ALL = list(DAYS)


def made(begins: str, ends: str, *patterns: dict[str, Any], swaps: Any = ()) -> Any:
    return parse_rota(
        msgspec.json.encode(
            {"begins": begins, "ends": ends, "patterns": patterns, "swaps": list(swaps)}
        ),
        form="json",
    )


def pattern(member: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    return {"teams": ["t"], "days": ALL, "member": member, "start": start, "end": end} | more


def given(member: str, start: str, end: str) -> dict[str, Any]:
    return {"member": member, "start": f"2026-01-12T{start}:00", "end": f"2026-01-12T{end}:00"}


DAY, NIGHT = pattern("day", "07:00", "21:00"), pattern("night", "21:00", "07:00")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day, …


def test_a_shift_is_in_county_time_and_may_end_on_the_next_day() -> None:
    served = shifts(made("2026-01-12", "2026-01-13", DAY, NIGHT))
    assert [(one.member, one.start, one.end) for one in served] == [
        ("day", utc(2026, 1, 12, 5), utc(2026, 1, 12, 19)),
        ("night", utc(2026, 1, 12, 19), utc(2026, 1, 13, 5)),
    ]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 9), ("2026-10-24", 11), ("2026-06-10", 10)]
)
def test_the_night_of_the_clock_change_is_an_hour_shorter_or_longer_and_has_no_gap(
    day: str, hours: int
) -> None:
    begins = date.fromisoformat(day)
    rota = made(day, str(begins + timedelta(days=2)), DAY, NIGHT)
    found = shifts(rota)
    night = next(one for one in found if one.member == "night")
    assert night.end - night.start == hours * HOUR
    first = min(one.start for one in found)
    assert gaps(found, ["t"], first, rota.until) == []
    ends = {one.start for one in found} & {one.end for one in found}
    assert len(ends) == 3, "shifts touch, and none overlaps"


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
@pytest.mark.parametrize("handover", ["03:00", "03:30", "04:00"])
def test_a_handover_in_the_hour_that_is_missing_or_comes_twice_is_one_moment(
    day: str, handover: str
) -> None:
    begins = date.fromisoformat(day)
    rota = made(
        day,
        str(begins + timedelta(days=2)),
        pattern("late", "21:00", handover),
        pattern("early", handover, "21:00"),
    )
    found = sorted(shifts(rota), key=lambda one: one.start)[1:]
    for before, after in pairwise(found):
        assert before.end == after.start, handover


def test_the_hour_that_is_missing_is_nobodys_shift_and_the_one_that_comes_twice_is_two() -> None:
    hour = pattern("x", "03:00", "04:00")
    assert shifts(made("2026-03-29", "2026-03-30", hour)) == []
    (twice,) = shifts(made("2026-10-25", "2026-10-26", hour))
    assert (twice.start, twice.end) == (utc(2026, 10, 25, 0), utc(2026, 10, 25, 2))


def test_finlands_days_off() -> None:
    # Movable feasts by the computus, and Midsummer, All Saints' and the eves by their laws.
    for day in (
        "2026-01-01", "2026-01-06", "2026-04-03", "2026-04-05", "2026-04-06", "2026-05-01",
        "2026-05-14", "2026-05-24", "2026-06-19", "2026-06-20", "2026-10-31", "2026-12-06",
        "2026-12-24", "2026-12-25", "2026-12-26", "2027-03-26", "2027-05-06", "2027-06-26",
        "2027-11-06",
    ):  # fmt: skip
        assert is_holiday(date.fromisoformat(day)), day
        assert day_name(date.fromisoformat(day)) == "holiday"
    assert not is_holiday(date(2026, 4, 4)), "the Saturday of Easter"
    assert day_name(date(2026, 4, 4)) == "sat"


def test_a_public_holiday_is_served_as_one_and_not_as_its_weekday() -> None:
    week = pattern("week", "08:00", "16:00", days=["mon", "tue", "wed", "thu", "fri"])
    off = pattern("off", "08:00", "16:00", days=["holiday"])
    served = shifts(made("2026-12-23", "2026-12-29", week, off))
    assert [(one.start.day, one.member) for one in sorted(served, key=lambda s: s.start)] == [
        (23, "week"), (24, "off"), (25, "off"), (26, "off"), (28, "week"),
    ]  # fmt: skip


def test_weeks_come_by_turns_over_the_turn_of_the_year() -> None:
    odd = pattern("a", "08:00", "16:00", days=["thu"], every_weeks=2, week=0)
    even = pattern("b", "08:00", "16:00", days=["thu"], every_weeks=2, week=1)
    # Begins on a Wednesday: its week is week 0.
    served = sorted(shifts(made("2026-12-09", "2027-01-18", odd, even)), key=lambda s: s.start)
    assert [(f"{one.start:%m-%d}", one.member) for one in served] == [
        ("12-10", "a"), ("12-17", "b"), ("12-31", "b"), ("01-07", "a"), ("01-14", "b"),
    ]  # fmt: skip


def test_a_week_begins_on_monday_whatever_day_the_rota_begins_on() -> None:
    second = pattern("b", "08:00", "16:00", days=["mon"], every_weeks=2, week=1)
    # From a Wednesday: the Monday after it is of the second week.
    (served,) = shifts(made("2026-02-11", "2026-02-18", second))
    assert served.start.date() == date(2026, 2, 16)


def test_at_night_one_serves_several_teams() -> None:
    served = shifts(
        made("2026-01-12", "2026-01-13", pattern("n", "21:00", "07:00", teams=["a", "b", "c"]))
    )
    assert [one.team for one in served] == ["a", "b", "c"]
    assert len({(one.member, one.start, one.end) for one in served}) == 1


def test_a_swap_gives_away_what_it_names_and_nothing_else() -> None:
    night = pattern("n", "21:00", "07:00", teams=["a", "b"])
    swap = {
        "member": "n", "to": "m", "start": "2026-01-12T23:00:00", "end": "2026-01-13T03:00:00",
        "teams": ["a"],
    }  # fmt: skip
    served = shifts(made("2026-01-12", "2026-01-13", night, swaps=[swap]))
    assert [(s.team, s.member, s.start.hour, s.end.hour) for s in served] == [
        ("a", "m", 21, 1), ("a", "n", 19, 21), ("a", "n", 1, 5), ("b", "n", 19, 5),
    ]  # fmt: skip


def test_who_is_relieved_by_nobody_leaves_a_gap() -> None:
    swap = {"member": "night", "start": "2026-01-12T20:00:00", "end": "2026-01-13T03:00:00"}
    rota = made("2026-01-12", "2026-01-13", DAY, NIGHT, swaps=[swap])
    assert gaps(shifts(rota), ["t", "u"], utc(2026, 1, 12, 5), rota.until) == [
        Gap("t", utc(2026, 1, 12, 19), utc(2026, 1, 12, 22)),
        Gap("u", utc(2026, 1, 12, 5), utc(2026, 1, 12, 22)),
    ]


def test_overlapping_shifts_of_one_member_are_one() -> None:
    first, second = pattern("x", "07:00", "15:00"), pattern("x", "14:00", "16:00")
    served = shifts(made("2026-01-12", "2026-01-13", first, second))
    assert [(one.start.hour, one.end.hour) for one in served] == [(5, 14)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ends": "2026-01-12"}, "before it begins"),
        ({"ends": "2028-01-12"}, "400 are the most"),
        ({"ends": "someday"}, "ends"),
        ({"patterns": []}, "patterns"),
        ({"patterns": [pattern("x", "7:00", "15:00")]}, "start"),
        ({"patterns": [pattern("x", "24:00", "15:00")]}, "start"),
        ({"patterns": [pattern("x", "07:00", "15:00", days=["funday"])]}, "funday"),
        ({"patterns": [pattern("x", "07:00", "15:00", week=1)]}, "counted from 0"),
        ({"patterns": [pattern("x", "07:00", "15:00", more=1)]}, "more"),
        ({"swaps": [given("day", "08:00", "08:00")]}, "ends before it begins"),
        ({"swaps": [given("x", "08:00", "09:00")]}, "no shift"),
        ({"swaps": [given("day", "08:00", "09:00") | {"teams": ["u"]}]}, "'u'"),
    ],
)
def test_a_rota_that_contradicts_itself_is_refused_in_one_sentence(
    change: dict[str, Any], said: str
) -> None:
    content = {"begins": "2026-01-12", "ends": "2026-01-14", "patterns": [DAY, NIGHT]} | change
    with pytest.raises(RotaError, match=said) as refused:
        parse_rota(msgspec.json.encode(content), form="json")
    assert "\n" not in str(refused.value)


def test_a_file_is_named_where_it_is_wrong(tmp_path: Any) -> None:
    path = tmp_path / "rota.toml"
    path.write_text("begins = 2026-01-12\nends = [\n", encoding="utf-8")
    with pytest.raises(RotaError, match=r"rota\.toml: This is not a rota"):
        read_rota(path)
    with pytest.raises(RotaError, match="cannot be read"):
        read_rota(tmp_path / "none.toml")
