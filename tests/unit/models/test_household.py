"""What a household did on a day, by hand."""

from __future__ import annotations

import numpy as np

from models.household import MEASURES, PLACES, Events, household

DAY = 86_400.0


def counted(*rows: tuple[int, float, str], dead: tuple[str, ...] = ()) -> dict[str, list[float]]:
    """Of (home, local hours from the first day's midnight, place): measure -> its days, home 0."""
    ordered = sorted(rows)
    home, hours, places = zip(*ordered, strict=True)
    local = np.array(hours) * 3600.0 + 100 * DAY
    place = np.array([PLACES.index(p) for p in places])
    heard = np.ones((2, 2, len(PLACES)), dtype=bool)
    heard[..., [PLACES.index(p) for p in dead]] = False
    made = household(Events(np.array(home), local, local - 7200.0, place), 100, 2, heard)
    return {name: made[:, 0, n].tolist() for n, name in enumerate(MEASURES)}


def test_a_night_belongs_to_the_day_it_ends_on() -> None:
    made = counted((0, 2.0, "bathroom"), (0, 23.0, "bathroom"), (0, 29.9, "bathroom"))
    assert made["bathroom_by_night"] == [1, 2]
    assert made["bathroom_by_day"] == [0, 0]
    assert made["bathroom_02"] == [1, 0]
    assert made["bathroom_23"] == [1, 0]
    assert made["activity"] == [2, 1]


def test_firings_close_together_are_one_visit() -> None:
    made = counted(*((0, 12 + n * 0.05, "kitchen") for n in range(5)), (0, 14.0, "kitchen"))
    assert made["kitchen_visits"] == [2, 0]
    assert made["kitchen_12"] == [5, 0]


def test_another_home_is_another_visit_and_another_bed() -> None:
    made = counted((0, 3.0, "bed_out"), (1, 3.1, "bed_in"), (0, 3.5, "bed_in"), (1, 9.0, "kitchen"))
    assert made["rises"] == [1, 0]
    assert made["minutes_out_of_bed"] == [30, 0]
    assert made["kitchen_visits"] == [0, 0]


def test_out_of_bed_ends_with_the_night() -> None:
    assert counted((0, 5.5, "bed_out"), (0, 22.5, "bed_in"))["minutes_out_of_bed"] == [30, 0]


def test_a_meal_is_counted_once_an_hour() -> None:
    made = counted((0, 8.1, "fridge"), (0, 8.3, "cooking"), (0, 12.5, "fridge"))
    assert made["meals"] == [2, 0]


def test_a_sensor_that_is_not_there_is_not_zero() -> None:
    made = counted((0, 8.0, "kitchen"), dead=("bathroom", "bed_in"))
    assert np.isnan(made["bathroom_by_night"]).all()
    assert np.isnan(made["rises"]).all()
    assert np.isnan(made["bathroom_12"]).all()
    assert np.isnan(made["activity"]).all()
    assert made["kitchen_08"] == [1, 0]


def test_what_lies_outside_is_left_out() -> None:
    made = counted((0, -3.0, "kitchen"), (0, 49.0, "kitchen"), (0, 47.0, "bathroom"))
    assert made["activity"] == [0, 1]
    assert made["bathroom_by_night"] == [0, 0]
