"""A personal baseline: what is usual for one subject, and what it refuses to learn."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ModelError
from models.baseline import CELL, FAR, FORGETS, NEW_LEVEL, Baseline, Unusual
from models.cohort import Cohort
from models.readings import DAY, Floats, Readings
from models.tails import as_normal, two_sided

from .made_readings import (
    BETWEEN,
    LEVEL,
    RHYTHM,
    START,
    WITHIN,
    in_helsinki,
    made_readings,
    rows,
)

NUMBERS = ("expected", "spread", "z", "tail", "days", "known", "learned")


@cache
def learned() -> Baseline:
    return Baseline.fit(made_readings(people=60, days=30))


def same(one: Unusual, other: Unusual, of: object = slice(None)) -> bool:
    return all(getattr(one, n)[of].tobytes() == getattr(other, n)[of].tobytes() for n in NUMBERS)


def one_subject(time: Floats, first: Floats | float) -> Readings:
    """Of a single subject: the first metric; the second is not measured."""
    value = np.full((len(time), 2), np.nan)
    value[:, 0] = first
    return rows(np.zeros(len(time), dtype=np.int64), time, value)


def daily_times(days: int, hour: float = 8.0, since: float = START) -> Floats:
    return np.asarray(since + np.arange(days) * DAY + hour * 3600.0, dtype=np.float64)


made = st.builds(
    made_readings,
    people=st.integers(1, 6),
    days=st.integers(2, 6),
    every=st.sampled_from([1800.0, DAY / 3, 1.7 * DAY]),
    seed=st.integers(0, 2**16),
)
few = settings(max_examples=15, deadline=None)


@few
@given(made, st.data())
def test_pieces_and_the_order_of_rows_change_nothing(
    readings: Readings, data: st.DataObject
) -> None:
    whole = learned().score(readings)
    count = len(readings)
    shuffled = np.array(data.draw(st.permutations(range(count))), dtype=np.int64)
    mixed = learned().score(readings.only(shuffled))
    assert all(
        getattr(mixed, n).tobytes() == getattr(whole, n)[shuffled].tobytes() for n in NUMBERS
    )
    cuts = sorted(data.draw(st.lists(st.floats(0.0, 1.0), max_size=4)))
    edges = [-np.inf, *np.quantile(readings.time, cuts), np.inf] if count else [-np.inf, np.inf]
    memory = np.zeros(whole.memory.shape, CELL)
    for low, high in pairwise(edges):
        piece = np.flatnonzero((readings.time > low) & (readings.time <= high))
        scored = learned().score(readings.only(piece), memory)
        for name in NUMBERS:
            assert getattr(scored, name).tobytes() == getattr(whole, name)[piece].tobytes()
        memory = np.frombuffer(scored.memory.tobytes(), CELL).reshape(memory.shape)
    assert memory.tobytes() == whole.memory.tobytes()


@few
@given(made, st.integers(0, 2**16))
def test_subjects_do_not_know_of_one_another(readings: Readings, seed: int) -> None:
    people = int(readings.subject.max()) + 1
    other = np.random.default_rng(seed).permutation(people)
    renamed = replace(readings, subject=other[readings.subject])
    one, two = learned().score(readings), learned().score(renamed)
    assert same(one, two)
    assert one.memory.tobytes() == two.memory[other].tobytes()


@few
@given(made, st.integers(0, 10**9), st.floats(-1e8, 1e8))
def test_a_score_depends_on_no_later_value_nor_on_its_own(
    readings: Readings, which: int, instead: float
) -> None:
    row = which % len(readings)
    value = readings.value.copy()
    value[row, 0] = instead
    one, two = learned().score(readings), learned().score(replace(readings, value=value))
    for name in ("expected", "spread", "days", "known"):
        assert getattr(one, name)[row].tobytes() == getattr(two, name)[row].tobytes()
    others = (readings.subject != readings.subject[row]) | (readings.time < readings.time[row])
    assert same(one, two, others)
    assert one.z[row, 1] == two.z[row, 1]


@few
@given(made, st.integers(0, 2**16), st.floats(0.0, 1.0), st.booleans())
def test_what_is_not_known_is_not_known(
    readings: Readings, seed: int, share: float, held: bool
) -> None:
    rng = np.random.default_rng(seed)
    value = np.where(rng.random(readings.value.shape) < share, np.nan, readings.value)
    extreme = np.where(rng.random(value.shape) < 0.2, value * 1e6, value)
    found = learned().score(replace(readings, value=extreme, held=np.full(len(readings), held)))
    for name in ("expected", "spread", "z", "tail", "days", "known"):
        numbers = getattr(found, name)
        assert (np.isnan(numbers) == np.isnan(value)).all(), name
        if name not in ("expected", "z"):
            assert (numbers[~np.isnan(value)] >= 0.0).all(), name
    assert not found.learned[np.isnan(value)].any()
    for name in ("squares", "weight", "days"):
        assert np.isfinite(found.memory[name]).all()
        assert (found.memory[name] >= 0.0).all()


def test_the_cohort_is_found_again() -> None:
    cohort = Baseline.fit(made_readings(people=300, days=30, seed=5)).cohort
    assert np.sqrt(cohort.scale) == pytest.approx(WITHIN, rel=0.05)
    assert np.sqrt(cohort.covariance[:, 0, 0]) == pytest.approx(BETWEEN, rel=0.1)
    assert cohort.curve.mean(axis=1) == pytest.approx(LEVEL, abs=2.0)
    assert cohort.curve[:, 17] - cohort.curve[:, 5] == pytest.approx(2 * RHYTHM, rel=0.15)
    assert (cohort.degrees > 20).all()  # all are alike in their spread


def test_readings_far_out_do_not_make_the_cohort() -> None:
    readings = made_readings(people=60, days=30)
    value = readings.value.copy()
    value[np.random.default_rng(1).random(value.shape) < 0.03] += 60.0
    one, two = learned().cohort, Baseline.fit(replace(readings, value=value)).cohort
    assert np.sqrt(two.scale) == pytest.approx(np.sqrt(one.scale), rel=0.06)
    assert two.curve.mean(axis=1) == pytest.approx(one.curve.mean(axis=1), abs=1.5)


def test_a_new_subject_is_the_cohorts_and_becomes_itself() -> None:
    time = daily_times(90)
    value = np.random.default_rng(3).normal(95.0, 3.0, len(time))
    found = learned().score(one_subject(time, value))
    cohort = learned().cohort
    where = np.zeros(1, dtype=np.int64), np.array([9.0])
    assert found.expected[0, 0] == pytest.approx(cohort.at(*where)[0])
    assert found.known[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert found.days[0, 0] == 0.0
    assert found.spread[0, 0] == pytest.approx(np.hypot(BETWEEN[0], WITHIN[0]), rel=0.25)
    assert abs(found.z[0, 0]) < 4.0  # 25 off the mean of people is rare and no illness
    assert found.expected[30, 0] == pytest.approx(95.0, abs=1.5)
    assert found.known[60, 0] > 0.95
    assert (np.diff(found.known[:, 0]) > -1e-3).all()


def test_scores_of_people_who_are_well_are_as_chance_has_them() -> None:
    readings = made_readings(people=200, days=30, seed=9)
    z = learned().score(readings).z
    new = (readings.time - START < 3 * DAY)[:, None] & np.ones_like(z, dtype=bool)
    for part in (z[new], z[~new]):
        assert abs(part.mean()) < 0.1
        assert part.std() == pytest.approx(1.0, abs=0.06)
        assert (np.abs(part) > 2.0).mean() == pytest.approx(0.0455, abs=0.01)
    assert (np.abs(z) > FAR).mean() < 3e-4


def test_the_time_of_day_matters() -> None:
    """A morning's value in the evening is out, in whoever's rhythm is the cohort's."""
    time = np.sort(np.concatenate([daily_times(30, 4.0), daily_times(30, 16.0)]))
    hour = (time + 3600.0) % DAY / 3600.0
    rhythm = 12.0 * np.cos((hour - 17.0) * (np.pi / 12.0))  # stronger than the cohort's
    noise = np.random.default_rng(4).normal(0.0, 3.0, len(time))
    found = learned().score(one_subject(time, 70.0 + rhythm + noise))
    early, late = found.expected[-2:, 0]
    assert (early, late) == (pytest.approx(58.0, abs=2.0), pytest.approx(82.0, abs=2.0))


def test_midnight_is_between_its_neighbours() -> None:
    cohort = learned().cohort
    metric = np.zeros(3, dtype=np.int64)
    at = cohort.at(metric, np.array([23.0, 23.5, 0.0]))
    assert at[1] == pytest.approx((at[0] + at[2]) / 2)
    assert abs(at[0] - at[2]) < 2.0


@pytest.mark.parametrize("month", [(3, 29), (10, 25)])
def test_the_routine_moves_with_the_clock(month: tuple[int, int]) -> None:
    """Both nights on which Helsinki's clocks change: at the same hour the same is expected."""
    change = datetime(2026, *month, tzinfo=UTC).timestamp()
    wall = np.sort(
        np.concatenate([change + (np.arange(-30, 3) * 24 + h) * 3600.0 for h in (7, 18)])
    )
    offset = in_helsinki(wall) - wall
    time = wall - offset  # people measure at 7 and at 18 by the clock
    local = in_helsinki(time)
    assert len(np.unique(offset)) == 2
    assert (local % DAY / 3600.0 == np.tile([7.0, 18.0], 33)).all()
    value = np.where(local % DAY == 7 * 3600.0, 60.0, 84.0)
    readings = replace(one_subject(time, value), local=local)
    expected = learned().score(readings).expected[:, 0]
    assert expected[-4:] == pytest.approx(expected[-10:-6], abs=0.1)
    assert expected[-2:] == pytest.approx([60.0, 84.0], abs=1.5)


def test_weight_goes_with_time_not_with_the_number_of_readings() -> None:
    """A monitor's minutes and its hours say the same; so does a fortnight of either."""
    found = []
    for every in (60.0, 3600.0):
        time = START + np.arange(0.0, 5 * DAY, every)
        after = learned().score(one_subject(time, 90.0)).memory[0, 0]
        found.append((after["weight"], after["days"]))
    assert found[0] == pytest.approx(found[1], rel=0.2)


def test_it_forgets_by_the_calendar() -> None:
    time = daily_times(60)
    memory = learned().score(one_subject(time, 90.0)).memory
    later = np.array([time[-1] + FORGETS, time[-1] + 20 * FORGETS])
    found = [learned().score(one_subject(later[[n]], 90.0), memory) for n in range(2)]
    days = learned().score(one_subject(time[-1:] + DAY, 90.0), memory).days[0, 0]
    assert found[0].days[0, 0] == pytest.approx(days / np.e, rel=0.03)
    assert found[1].known[0, 0] < 0.01  # years later the cohort speaks again
    cohort = learned().cohort.at(np.zeros(1, dtype=np.int64), np.array([9.0]))[0]
    assert found[1].expected[0, 0] == pytest.approx(cohort, abs=0.2)


def ill(days: int, well_after: int = 1, by: float = 25.0) -> tuple[Unusual, int]:
    """Forty days of 70, then so many far above, then 70; and the row of the first after."""
    noise = np.random.default_rng(6).normal(0.0, 2.0, 40 + days + well_after)
    value = 70.0 + noise
    value[40 : 40 + days] += by
    return learned().score(one_subject(daily_times(len(value)), value)), 40 + days


def test_illness_is_not_learned() -> None:
    found, after = ill(NEW_LEVEL - 1)
    assert not found.learned[40:after].any()
    assert found.z[40:after, 0].min() > FAR
    assert found.expected[after, 0] == pytest.approx(70.0, abs=1.5)
    assert found.learned[after, 0]


def test_a_lasting_new_level_is_accepted_after_so_many_days() -> None:
    found, after = ill(NEW_LEVEL + 8)
    accepted = 40 + NEW_LEVEL
    assert not found.learned[40:accepted].any()
    assert found.learned[accepted:after, 0].all()
    assert found.expected[accepted:after, 0] == pytest.approx(95.0, abs=2.0)
    assert found.z[after, 0] < -FAR  # and 70 is no longer usual


def test_days_at_home_count_against_a_new_level() -> None:
    """Far out on every other day is no new level, however long."""
    value = np.where(np.arange(120) % 2, 70.0, 95.0)
    value[:40] = 70.0
    found = learned().score(one_subject(daily_times(120), value))
    assert found.expected[-1, 0] == pytest.approx(70.0, abs=1.0)
    assert not found.learned[40::2].any()


def test_what_is_held_is_scored_and_not_learned() -> None:
    time = daily_times(50)
    readings = one_subject(time, np.r_[np.full(40, 70.0), np.full(10, 76.0)])
    held = np.arange(50) >= 40
    found = learned().score(replace(readings, held=held))
    assert not found.learned[40:].any()
    assert found.expected[-1, 0] == pytest.approx(found.expected[41, 0], abs=0.1)
    assert (found.z[40:, 0] > 0.5).all()
    # An episode that stays open does not keep a new level out for ever.
    days = 40 + NEW_LEVEL + 5
    readings = one_subject(daily_times(days), np.r_[np.full(40, 70.0), np.full(days - 40, 84.0)])
    found = learned().score(replace(readings, held=np.arange(days) >= 40))
    assert found.expected[-1, 0] == pytest.approx(84.0, abs=1.5)
    assert found.expected[40 + NEW_LEVEL - 1, 0] == pytest.approx(70.0, abs=1.5)


def test_what_comes_late_is_scored_and_changes_nothing() -> None:
    memory = learned().score(one_subject(daily_times(10), 70.0)).memory
    late = learned().score(one_subject(daily_times(3) + 3600.0, 74.0), memory)
    assert not late.learned.any()
    assert (late.z[:, 0] > 0.5).all()
    again = learned().score(one_subject(daily_times(11)[-1:], 71.0), memory)
    after = learned().score(one_subject(daily_times(11)[-1:], 71.0), late.memory)
    assert same(again, after)


def test_a_wider_person_has_a_wider_spread() -> None:
    rng = np.random.default_rng(8)
    time = daily_times(80)
    for deviation in (1.5, 6.0):
        found = learned().score(one_subject(time, rng.normal(70.0, deviation, 80)))
        drawn_to = learned().cohort.scale[0] ** 0.5
        assert (found.spread[-1, 0] < drawn_to) == (deviation < drawn_to)


def test_state_is_small_and_of_fixed_size() -> None:
    memory = learned().score(made_readings()).memory
    assert CELL.itemsize <= 80
    assert len(memory[0].tobytes()) == 2 * CELL.itemsize


def test_what_is_no_measurement_is_refused() -> None:
    readings = made_readings(people=1, days=1)
    for wrong in (np.inf, -np.inf, 1e12):
        value = readings.value.copy()
        value[0, 0] = wrong
        with pytest.raises(ValueError, match="no measurement"):
            learned().score(replace(readings, value=value))
    with pytest.raises(ValueError, match="metrics"):
        learned().score(replace(readings, value=readings.value[:, :1]))
    with pytest.raises(ValueError, match="not in memory"):
        learned().score(made_readings(people=3), np.zeros((2, 2), CELL))


def test_a_cohort_of_few_is_refused() -> None:
    with pytest.raises(ModelError, match="of 4 subjects"):
        Baseline.fit(made_readings(people=4))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale", [1.0]),
        ("scale", [0.0, 1.0]),
        ("curve", [[1.0] * 24] * 3),
        ("degrees", [9.0, None]),
    ],
)
def test_a_state_that_is_none_is_refused(name: str, value: object) -> None:
    state = json.loads(json.dumps(learned().state()))
    state["cohort"][name] = value
    with pytest.raises(ValueError, match=r"shape|above|finite"):
        Baseline.from_state(state)


def test_a_covariance_that_is_none_is_refused() -> None:
    state = learned().cohort.state()
    state["covariance"][0][0][0] = -1.0
    with pytest.raises(ValueError, match="covariance"):
        Cohort.from_state(state)


def test_student_s_t_on_the_normal_scale() -> None:
    """Two-sided tails of 5 %, 1 % and 0.1 % by the tables of t."""
    for degrees, *quantiles in (
        (4.0, 2.7764, 4.6041, 8.6103),
        (10.0, 2.2281, 3.1693, 4.5869),
        (60.0, 2.0003, 2.6603, 3.4602),
    ):
        z = as_normal(np.array(quantiles), np.full(3, degrees))
        assert z == pytest.approx([1.95996, 2.57583, 3.29053], abs=0.04)
        assert (as_normal(-np.array(quantiles), np.full(3, degrees)) == -z).all()


def test_tails_of_the_normal_distribution() -> None:
    z = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 6.0])
    exact = [2.0 * NormalDist().cdf(-value) for value in z]
    assert two_sided(z) == pytest.approx(exact, rel=1e-12)
    assert (two_sided(-z) == two_sided(z)).all()
    assert np.isnan(two_sided(np.array([np.nan]))).all()
    assert two_sided(np.array([1e4])) == 0.0
