"""A home's day beside its own days: tails that are true, and what is learned and what is not."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import ModelError
from models.routine import Days, Routine, at_least

from .made_routines import made_days

model = Routine.fit(made_days(homes=60))


def added(days: Days, row: int, count: float, measure: int = 2) -> Days:
    counts = days.count.copy()
    counts[row:, :, measure] = count
    return replace(days, count=counts)


@settings(max_examples=150, deadline=None)
@given(st.floats(0.05, 200), st.floats(0.3, 60), st.integers(0, 400))
@example(175.5, 1.0, 176)  # x is at the mean: the formula's limit
@example(175.49, 1.0, 176)
def test_the_tail_is_the_negative_binomials(mean: float, size: float, x: int) -> None:
    log = math.lgamma(size)
    below = sum(
        math.exp(
            math.lgamma(k + size) - log - math.lgamma(k + 1)
            + size * math.log(size / (size + mean)) + k * math.log(mean / (size + mean))
        )
        for k in range(x)
    )  # fmt: skip
    exact = 1.0 - below
    found = float(at_least(np.array([float(x)]), np.array([mean]), np.array([size]))[0])
    assert found == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_tails_are_what_they_say() -> None:
    scored = model.score(made_days(homes=200, days=60, seed=5))
    for chance in (scored.more[20:], scored.fewer[20:]):
        for limit in (0.1, 0.03, 0.01):
            # A count is a whole number: a share of at most so many is below, and not far less
            # where counts are large.
            assert (chance < limit).mean() < 1.5 * limit
            assert (chance[..., 0] < limit).mean() > 0.4 * limit


def test_seven_visits_where_one_to_three_are_usual() -> None:
    scored = model.score(added(made_days(seed=3), 59, 9.0))
    assert np.median(scored.more[59, :, 2]) < 0.002
    assert np.median(scored.fewer[59, :, 2]) > 0.99
    assert (scored.high[59, :, 2] < 8).all()
    assert (scored.low[59, :, 2] <= scored.usual[59, :, 2]).all()


def test_a_dead_sensor_is_not_an_empty_room() -> None:
    days = made_days(seed=3)
    zero, dead = added(days, 59, 0.0, 0), added(days, 59, np.nan, 0)
    assert (model.score(zero).fewer[59, :, 0] < 1e-3).all()
    assert np.isnan(model.score(dead).fewer[59, :, 0]).all()
    assert np.isfinite(model.score(dead).unusual([0, 1], more=False)[59]).all()
    assert np.isnan(model.score(dead).unusual([0], more=False)[59]).all()
    long_dead = model.score(added(days, 30, np.nan, 0)).usual[59, :, 0]
    assert long_dead == pytest.approx(model.score(days).usual[30, :, 0], rel=0.15)


def test_held_days_are_scored_and_not_learned() -> None:
    days = added(made_days(seed=3), 40, 0.0, 0)
    held = days.held.copy()
    held[40:] = True
    kept = model.score(replace(days, held=held))
    assert (kept.fewer[59, :, 0] < 1e-3).all()
    assert kept.usual[59, :, 0] == pytest.approx(kept.usual[40, :, 0], rel=0.1)
    assert (model.score(days).usual[59, :, 0] < 0.9 * kept.usual[59, :, 0]).all()


def test_one_wild_day_teaches_little_and_a_new_life_is_followed() -> None:
    days = made_days(homes=20, days=200, seed=3)
    usual = model.score(days).usual[:, :, 0]
    one = days.count.copy()
    one[100, :, 0] = 5000.0
    assert model.score(replace(days, count=one)).usual[101, :, 0] == pytest.approx(
        usual[101], rel=0.05
    )
    new = days.count.copy()
    new[80:, :, 0] *= 2.0
    followed = model.score(replace(days, count=new)).usual[199, :, 0]
    assert (followed > 1.5 * usual[199]).all()


def test_a_slow_decline_drifts_down_before_any_day_is_strange() -> None:
    days = made_days(homes=60, days=120, seed=8)
    counts = days.count.copy()
    share = np.interp(np.arange(120), [60, 100, 120], [1.0, 0.6, 0.6])[:, None]
    counts[..., 0] = np.round(counts[..., 0] * share)
    scored = model.score(replace(days, count=counts))
    assert np.median(scored.drift[100, :, 0]) < -3
    still = model.score(days).drift[60:]
    assert (np.abs(still) > 3).mean() < 0.02
    assert np.isnan(scored.drift[:14]).all()


def test_later_days_change_no_earlier_score() -> None:
    days = made_days(seed=3)
    one, other = model.score(days), model.score(added(days, 30, 50.0))
    assert one.more[:30].tobytes() == other.more[:30].tobytes()
    assert one.usual[:31].tobytes() == other.usual[:31].tobytes()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 59), max_size=4, unique=True))
def test_pieces_of_time_give_the_same_as_the_whole(cuts: list[int]) -> None:
    days = made_days(homes=4, seed=6)
    whole = model.score(days)
    edges = [0, *sorted(cuts), 60]
    memory, found = None, []
    for low, high in pairwise(edges):
        piece = model.score(days.between(low, high), memory)
        memory = np.array(json.loads(json.dumps(piece.memory.tolist())))
        found.append(np.concatenate([piece.more, piece.drift], axis=-1))
    together = np.concatenate([whole.more, whole.drift], axis=-1)
    assert np.concatenate(found).tobytes() == together.tobytes()


def test_too_few_homes_are_refused() -> None:
    with pytest.raises(ModelError, match="5"):
        Routine.fit(made_days(homes=4))


def test_the_impossible_is_refused() -> None:
    days = made_days(homes=1)
    with pytest.raises(ValueError, match="count"):
        added(days, 3, -1.0)
    with pytest.raises(ValueError, match="measure"):
        model.score(Days(days.count[..., :2], days.held))
    with pytest.raises(ValueError, match="above 0"):
        Routine.from_state({**model.state(), "rate": [-1.0, 1.0, 1.0]})


def test_a_day_of_a_measure_costs_little() -> None:
    """A home-day has some 130 measures; the bound is ten times what is measured."""
    days = made_days(homes=3000, days=2)
    begin = time.process_time()
    model.score(days)
    assert (time.process_time() - begin) / days.count.size < 10e-6
