"""A home's weeks: what is counted, what is not known, and what is called changed."""

from __future__ import annotations

from web.reports.decline import DAYS, Measure, Weeks, weeks_of


def home(**places: list[tuple[range, int, int]]) -> dict[str, list[int]]:
    """Counts by place: (days, hour, how many)."""
    counts = {name: [0] * 24 * DAYS for name in places}
    for name, given in places.items():
        for days, hour, count in given:
            for day in days:
                counts[name][24 * day + hour] += count
    return counts


def measure(weeks: Weeks, name: str) -> Measure:
    return next(one for one in weeks.measures if one.name == name)


ALL = range(DAYS)
LAST = range(56, DAYS)


def test_less_movement_and_more_nights_are_changes() -> None:
    weeks = weeks_of(
        home(
            kitchen=[(range(56), 12, 20), (LAST, 12, 10)],
            bathroom=[(ALL, 8, 4), (range(56), 3, 1), (LAST, 3, 3)],
        )
    )
    assert measure(weeks, "kitchen").changed == -1
    assert measure(weeks, "kitchen").change == -0.5
    assert measure(weeks, "bathroom_nights").changed == 1
    assert measure(weeks, "bathroom_days").changed == 0


def test_a_night_is_that_of_the_day_on_which_it_ends() -> None:
    weeks = weeks_of(home(bathroom=[(range(6, 7), 23, 5), (range(7, 8), 2, 1), (ALL, 12, 1)]))
    nights = measure(weeks, "bathroom_nights").weekly
    assert nights[0] == 0.0  # of six known nights
    assert nights[1] == 6 / 7


def test_missing_is_not_zero() -> None:
    weeks = weeks_of(home(kitchen=[(range(28), 12, 7)], hallway=[(range(70), 9, 1)]))
    assert weeks.heard_days == 70
    kitchen = measure(weeks, "kitchen")
    assert kitchen.weekly[4:] == (None,) * 8
    assert kitchen.lately is None
    assert kitchen.change is None
    assert kitchen.changed == 0
    activity = measure(weeks, "activity")
    assert activity.weekly[9] == 1.0
    assert activity.weekly[10] is None


def test_an_unsteady_home_is_not_called_changed() -> None:
    uneven = [(range(7 * week, 7 * week + 7), 12, 10 + 10 * (week % 2)) for week in range(8)]
    weeks = weeks_of(home(kitchen=[*uneven, (LAST, 12, 19)]))
    kitchen = measure(weeks, "kitchen")
    assert kitchen.change is not None
    assert kitchen.change > 0.2
    assert kitchen.changed == 0


def test_meals_are_hours_and_doors_are_no_rooms() -> None:
    weeks = weeks_of(home(fridge=[(ALL, 8, 5), (ALL, 12, 1)], front=[(ALL, 10, 2)]))
    assert measure(weeks, "meals").lately == 2.0
    assert measure(weeks, "outside").lately == 2.0
    assert [one.name for one in weeks.measures] == ["meals", "outside"]


def test_nothing_heard_is_nothing_known() -> None:
    assert weeks_of({}) == Weeks(0, ())
