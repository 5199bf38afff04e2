"""Trends of daily values: three days, six weeks, and since when."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ModelError
from models.daily import CELL, KEPT, Days, daily, median
from models.readings import DAY, Floats
from models.trend import LEAST_DAYS, Trend, Trends

from .made_readings import made_days, made_readings, rows

NUMBERS = (
    "days", "doubted", "gain", "loss", "slope", "drift", "shift", "before", "after", "since",
)  # fmt: skip
FIRST = 20_000
few = settings(max_examples=15, deadline=None)


@cache
def learned() -> Trend:
    return Trend.fit(made_days(people=40))


def told(values: list[float] | Floats) -> Trends:
    """Of one subject's first metric, day after day; NaN: nothing was measured that day."""
    first = np.asarray(values, dtype=float)
    value = np.full((len(first), 2), np.nan)
    value[:, 0] = first
    day = FIRST + np.arange(len(first))
    return learned().score(Days(np.zeros(len(first), dtype=np.int64), day, value))


def noise(days: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(0.0, 0.5, days)


@few
@given(st.integers(1, 4), st.integers(1, 60), st.integers(0, 2**16), st.data())
def test_pieces_and_order_change_nothing(
    people: int, days: int, seed: int, data: st.DataObject
) -> None:
    made = made_days(people, days, seed)
    gone = np.random.default_rng(seed).random(made.value.shape) < 0.2
    made = replace(made, value=np.where(gone, np.nan, made.value))
    whole = learned().score(made)
    shuffled = np.array(data.draw(st.permutations(range(len(made)))), dtype=np.int64)
    mixed = learned().score(made.only(shuffled))
    for name in NUMBERS:
        assert getattr(mixed, name).tobytes() == getattr(whole, name)[shuffled].tobytes()
    cuts = sorted(data.draw(st.lists(st.integers(FIRST, FIRST + days), max_size=4)))
    memory = np.zeros(whole.memory.shape, CELL)
    for low, high in pairwise([0, *cuts, 10**6]):
        piece = (made.day >= low) & (made.day < high)
        scored = learned().score(made.only(piece), memory)
        for name in NUMBERS:
            assert getattr(scored, name).tobytes() == getattr(whole, name)[piece].tobytes()
        memory = np.frombuffer(scored.memory.tobytes(), CELL).reshape(memory.shape)
    assert memory.tobytes() == whole.memory.tobytes()


@few
@given(st.integers(1, 60), st.integers(0, 2**16), st.floats(0.0, 1.0))
def test_what_is_not_known_is_not_known(days: int, seed: int, share: float) -> None:
    made = made_days(2, days, seed)
    gone = np.random.default_rng(seed).random(made.value.shape) < share
    found = learned().score(replace(made, value=np.where(gone, np.nan, made.value)))
    for name in NUMBERS:
        if name != "doubted":
            assert np.isnan(getattr(found, name)[gone]).all(), name
    assert not np.isnan(found.days[~gone]).any()
    assert not found.doubted[gone].any()


@few
@given(st.integers(0, 59), st.floats(-1e8, 1e8))
def test_later_days_change_no_earlier_one(which: int, instead: float) -> None:
    made = made_days(1, 60)
    value = made.value.copy()
    value[which, 0] = instead
    one, two = learned().score(made), learned().score(replace(made, value=value))
    for name in NUMBERS:
        assert getattr(one, name)[:which].tobytes() == getattr(two, name)[:which].tobytes()


def test_over_three_days() -> None:
    found = told([70.0, 70.5, 71.0, 71.5, 73.0, 70.0])
    assert np.isnan(found.gain[0, 0])
    assert found.gain[1:, 0] == pytest.approx([0.5, 1.0, 1.5, 2.5, -1.0])
    assert found.loss[1:, 0] == pytest.approx([0.5, 0.5, 0.5, 1.5, -3.0])


def test_days_without_a_value_are_not_filled_in() -> None:
    nan = np.nan
    found = told([70.0, nan, nan, 73.0, nan, nan, nan, 76.0])
    assert found.gain[3, 0] == pytest.approx(3.0)
    assert np.isnan(found.gain[7, 0])  # of the three days before nothing is known
    assert found.days[7, 0] == 3
    assert np.isnan(found.shift[7, 0])


def test_another_person_on_the_scale_is_doubted_and_makes_no_gain() -> None:
    values = 70.0 + noise(30)
    values[20] = 30.0
    found = told(values)
    assert np.flatnonzero(found.doubted[:, 0]).tolist() == [20]
    assert np.abs(found.gain[21:25, 0]).max() < 3.0
    assert np.abs(found.shift[21:, 0]).max() < 4.0
    # In the first days too, when there is no fortnight before.
    assert told([70.0, 70.2, 30.0, 70.1]).doubted[:, 0].tolist() == [False, False, True, False]


def test_two_days_alike_are_believed() -> None:
    values = 70.0 + noise(30)
    values[25:] += 60.0
    found = told(values)
    assert np.flatnonzero(found.doubted[:, 0]).tolist() == [25]
    assert found.gain[26, 0] > 50.0
    assert found.since[28, 0] == FIRST + 25  # the first of them too, once there is a second


def test_what_rises_day_by_day_is_never_doubted() -> None:
    values = np.r_[70.0 + noise(30), 70.0 + 4.0 * np.arange(1, 9)]
    found = told(values)
    assert not found.doubted.any()
    assert found.gain[-1, 0] == pytest.approx(12.0, abs=0.1)


def test_a_line_has_its_slope_whatever_single_days_say() -> None:
    values = 70.0 - 0.1 * np.arange(60.0)
    assert told(values).slope[-1, 0] == pytest.approx(-0.1, abs=1e-4)
    values[[40, 47, 55]] += 50.0
    values[[30, 31, 33]] = np.nan
    assert told(values).slope[-1, 0] == pytest.approx(-0.1, abs=0.02)
    assert told(values[:20]).slope[-1, 0] != told(values[:20]).slope[-1, 0]  # NaN: three weeks


def test_drift_is_in_deviations_of_people_who_are_well() -> None:
    found = learned().score(made_days(people=60, seed=7))
    last = found.drift[~np.isnan(found.drift)]
    assert (np.abs(last) > 1.645).mean() == pytest.approx(0.10, abs=0.04)
    assert told(70.0 - 0.5 * np.arange(60.0)).drift[-1, 0] < -5.0


def test_a_shift_says_from_where_to_where_and_since_when() -> None:
    values = 70.0 + noise(50)
    values[40:] += 12.0
    found = told(values)
    assert np.abs(found.shift[:40, 0][LEAST_DAYS + 14 :]).max() < 2.0
    row = 44
    assert found.shift[row, 0] > 8.0
    assert found.since[row, 0] == FIRST + 40
    assert found.before[row, 0] == pytest.approx(70.0, abs=0.6)
    assert found.after[row, 0] == pytest.approx(82.0, abs=0.6)
    down = told(140.0 - values)
    assert down.shift[row, 0] == pytest.approx(-found.shift[row, 0])
    assert down.since[row, 0] == FIRST + 40
    assert down.after[row, 0] == pytest.approx(58.0, abs=0.6)


def test_one_day_makes_no_shift_of_note() -> None:
    values = 70.0 + noise(50)
    values[44] += 14.0  # not far enough to be doubted
    found = told(values)
    assert not found.doubted.any()
    assert found.shift[44:, 0].max() < 4.0


def test_days_that_resemble_the_day_before_make_no_shift() -> None:
    """A level that wanders makes long runs; their cumulative sums are in its own unit."""
    made = made_days(people=80, days=80, seed=3)
    carried = made.value.reshape(80, 80, 2) - made.value.reshape(80, 80, 2)[:, :1]
    for day in range(1, 80):
        carried[:, day] += 0.7 * carried[:, day - 1]
    wandering = replace(made, value=carried.reshape(-1, 2))
    trend = Trend.fit(wandering)
    assert trend.carries == pytest.approx(0.65, abs=0.1)
    assert (learned().carries < 0.1).all()
    for one, days in ((trend, wandering), (learned(), made)):
        shift = one.score(days).shift
        assert np.nanquantile(np.abs(shift), 0.99) < 6.5


def test_without_a_shift_nothing_is_said_of_one() -> None:
    found = told(np.full(50, 70.0))
    assert found.shift[-1, 0] == 0.0
    assert np.isnan(found.since[-1, 0])
    assert np.isnan(found.after[-1, 0])
    assert found.before[-1, 0] == pytest.approx(70.0)


def test_a_day_heard_again_replaces_itself_also_a_late_one() -> None:
    values = 70.0 + noise(50)
    wrong = values.copy()
    wrong[45] += 9.0
    made = np.column_stack([wrong, wrong])
    subject = np.zeros(50, dtype=np.int64)
    day = FIRST + np.arange(50)
    before = learned().score(Days(subject, day, made))
    corrected = learned().score(
        Days(subject[:1], day[45:46], values[45:46, None] * np.ones(2)), before.memory
    )
    straight = learned().score(Days(subject, day, np.column_stack([values, values])))
    assert corrected.memory.tobytes() == straight.memory.tobytes()
    # Its own score is of the days until then.
    assert corrected.gain[0].tobytes() == straight.gain[45].tobytes()
    gone = learned().score(
        Days(subject[:1], day[49:] - KEPT, np.full((1, 2), 500.0)), before.memory
    )
    assert gone.memory.tobytes() == before.memory.tobytes()


def test_medians_of_days() -> None:
    time = np.array([0.0, 60.0, 120.0, DAY + 60.0, 3 * DAY])
    value = np.array([[1.0, np.nan], [5.0, 2.0], [2.0, 4.0], [7.0, np.nan], [np.nan, np.nan]])
    found = daily(rows(np.zeros(5, dtype=np.int64), time + 12 * 3600.0, value))
    assert found.day.tolist() == [0, 1, 3]
    assert found.value[:2].tolist()[0] == [2.0, 3.0]
    assert found.value[1, 0] == 7.0
    assert np.isnan(found.value[[1, 2], 1]).all()
    held = daily(rows(np.zeros(5, dtype=np.int64), time, value, held=True))
    assert len(held) == 0


def test_medians_by_day_are_by_the_local_day() -> None:
    readings = made_readings(people=3, days=4)
    late = replace(readings, local=readings.local + 5 * DAY)
    assert (daily(late).day == daily(readings).day + 5).all()


@given(st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), min_size=1, max_size=9))
def test_median_of_what_is_known(values: list[float]) -> None:
    known = [value for value in values if value == value]
    found = median(np.array([values]))[0]
    assert found == np.median(known) if known else np.isnan(found)


def test_too_little_to_learn_from_is_refused() -> None:
    with pytest.raises(ModelError, match="of 4 subjects"):
        Trend.fit(made_days(people=4))
    with pytest.raises(ModelError, match="four weeks"):
        Trend.fit(made_days(days=15))


def test_a_state_that_is_none_is_refused() -> None:
    state = json.loads(json.dumps(learned().state()))
    for name, value in (("scale", [0.0, 1.0]), ("carries", [1.0, 0.0]), ("slopes", [1.0])):
        with pytest.raises(ValueError, match="shape"):
            Trend.from_state({**state, name: value})
