"""Home-days are counted as they are defined, and levels are those of days before."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from models.home_days import Events, HomeDays, tabulate, text_of
from models.windows import levels

from .made_homes import made_events

MONDAY = date(2019, 4, 1).toordinal()


def events(*rows: tuple[str, int, float, str]) -> Events:
    """(home, day since Monday, hour, place)."""
    homes, places = sorted({r[0] for r in rows}), sorted({r[3] for r in rows})
    return Events(
        homes,
        places,
        np.array([homes.index(r[0]) for r in rows]),
        np.array([places.index(r[3]) for r in rows]),
        np.array([MONDAY + r[1] for r in rows]),
        np.array([r[2] * 3600.0 for r in rows]),
    )


def test_events_moves_and_the_hallway_are_counted_by_hour() -> None:
    days = tabulate(
        events(
            ("b", 0, 9.0, "kitchen"),
            ("b", 0, 9.1, "hallway"),
            ("b", 0, 9.1, "hallway"),  # said twice
            ("b", 0, 9.2, "hallway"),
            ("b", 0, 10.0, "kitchen"),
            ("b", 1, 0.0, "hallway"),  # the first of a date is no move
            ("a", 0, 23.99, "kitchen"),
        )
    )
    assert days.names == ("a", "b")
    assert [(days.names[h], text_of(d)) for h, d in zip(days.home, days.day, strict=True)] == [
        ("a", "2019-04-01"),
        ("b", "2019-04-01"),
        ("b", "2019-04-02"),
    ]
    assert days.counts[1, 9].tolist() == [3, 1, 2]
    assert days.counts[1, 10].tolist() == [1, 1, 0]
    assert days.counts[2, 0].tolist() == [1, 0, 1]
    assert np.isnan(days.counts[0, :, 2]).all()


def test_a_sensor_counts_from_the_date_on_that_it_was_heard() -> None:
    days = tabulate(events(("a", 0, 9, "kitchen"), ("a", 1, 9, "hallway"), ("a", 2, 9, "kitchen")))
    assert np.isnan(days.counts[:, 0, 2]).tolist() == [True, False, False]


def test_the_order_of_rows_makes_no_difference() -> None:
    given, _ = made_events()
    mixed = np.random.default_rng(3).permutation(len(given.home))
    other = Events(
        given.homes[::-1],
        given.places,
        len(given.homes) - 1 - given.home[mixed],
        given.place[mixed],
        given.day[mixed],
        given.second[mixed],
    )
    one, two = tabulate(given), tabulate(other)
    nothing = np.zeros((len(one), 3), dtype=bool)
    assert one.digest(nothing) == two.digest(nothing)


def test_usual_is_the_mean_of_the_days_before() -> None:
    counts = np.zeros((4, 24, 3))
    counts[:, 10, 0] = [1, 3, 7, 100]
    days = HomeDays(("a",), np.zeros(4, dtype=int), MONDAY + np.array([0, 1, 2, 5]), counts)
    found = levels(days, ((8, 13), (-5, 0)))
    assert found.now[:, 0, 0] == pytest.approx(np.log1p([1, 3, 7, 100]))
    assert np.isnan(found.usual[0]).all()
    assert found.usual[3, 0, 0] == pytest.approx(np.log1p([1, 3, 7]).mean())
    # The evening before: not known of the first day, nor where a date is missing.
    assert np.isnan(found.now[:, 1, 0]).tolist() == [True, False, False, True]


def test_days_of_which_nothing_is_known_are_not_in_the_usual() -> None:
    counts = np.zeros((3, 24, 3))
    counts[:, 10, 2] = [np.nan, 7, 5]
    days = HomeDays(("a",), np.zeros(3, dtype=int), MONDAY + np.arange(3), counts)
    usual = levels(days, ((8, 13),)).usual[:, 0, 2]
    assert np.isnan(usual[:2]).all()
    assert usual[2] == pytest.approx(np.log1p(7))


def test_a_window_counts_its_first_hour_and_not_its_end() -> None:
    counts = np.zeros((2, 24, 3))
    counts[0, [18, 19, 23], 0] = [1, 10, 100]
    counts[1, [0, 7, 8, 12, 13], 0] = [1000, 1, 10, 100, 1000]
    days = HomeDays(("a",), np.zeros(2, dtype=int), MONDAY + np.arange(2), counts)
    now = np.expm1(levels(days, ((8, 13), (-5, 0), (-5, 1))).now[1, :, 0])
    assert now == pytest.approx([110, 110, 1110])
