"""Every estimator keeps the same promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from models.agitation import Agitation, _expected
from models.baseline import Baseline
from models.calibration import Sigmoid
from models.daily import Days
from models.deterioration import Deterioration
from models.estimator import Estimator
from models.evidence import FEATURES
from models.home_days import HomeDays
from models.readings import Readings
from models.routine import Routine
from models.silence import Silence
from models.tails import two_sided
from models.trend import Trend
from models.windows import memory_from_state, memory_state

from . import made_readings, made_routines
from .made_homes import made_days


@dataclass(frozen=True)
class Case:
    """An estimator, rows to score, and what its scores are as numbers (n, …)."""

    fit: Callable[[], Estimator[Any, Any]]
    kind: type[Any]
    rows: Callable[[], Any]
    numbers: Callable[[Any], Any]
    """Of a scoring."""
    cut: Callable[[Any], list[Any]]
    """The rows in pieces that know nothing of one another."""
    hidden: Callable[[Any], Any]
    """The rows with something unknown."""
    unknown_stays: bool = False
    """Whether what is unknown has an unknown score, instead of what the rest says of it."""


@cache
def learned_from() -> Any:
    return made_days()


@cache
def others() -> HomeDays:
    return made_days(seed=2)[0]


def without_hallway(days: HomeDays) -> HomeDays:
    counts = days.counts.copy()
    counts[:, :, 2] = np.nan
    return HomeDays(days.names, days.home, days.day, counts)


def by_home(days: HomeDays) -> list[HomeDays]:
    return [days.only(days.home == home) for home in np.unique(days.home)]


def by_subject(rows: Readings | Days) -> list[Any]:
    return [rows.only(rows.subject == subject) for subject in np.unique(rows.subject)]


def without_the_second(rows: Readings | Days) -> Any:
    value = rows.value.copy()
    value[::2, 1] = np.nan
    return replace(rows, value=value)


def made_illnesses(seed: int = 1) -> tuple[Any, Any, Any]:
    """Evidence of 300 looks, whether ill, and what each counts: ill is 3 spreads off in three."""
    rng = np.random.default_rng(seed)
    ill = rng.random(300) < 0.3
    rows = np.abs(rng.normal(size=(300, len(FEATURES))))
    rows[ill, :3] += 3.0
    rows[rng.random(rows.shape) < 0.2] = np.nan
    return rows, ill, np.ones(300)


def half_unknown(rows: Any) -> Any:
    """Of some looks nothing at all is known."""
    some = rows.copy()
    some[::2] = np.nan
    return some


CASES = {
    "agitation": Case(
        fit=lambda: Agitation.fit(*learned_from()),
        kind=Agitation,
        rows=others,
        numbers=lambda scored: scored.score,
        cut=by_home,
        hidden=without_hallway,
    ),
    "sigmoid": Case(
        fit=lambda: Sigmoid.fit(
            np.linspace(0.01, 0.99, 60), np.random.default_rng(1).random(60) < 0.3
        ),
        kind=Sigmoid,
        rows=lambda: np.linspace(0.0, 1.0, 101),
        numbers=lambda scored: scored,
        cut=lambda rows: np.array_split(rows, 7),
        hidden=lambda rows: np.full_like(rows, np.nan),
        unknown_stays=True,
    ),
    "baseline": Case(
        fit=lambda: Baseline.fit(made_readings.made_readings()),
        kind=Baseline,
        rows=lambda: made_readings.made_readings(seed=2),
        numbers=lambda unusual: unusual.tail,
        cut=by_subject,
        hidden=without_the_second,
        unknown_stays=True,
    ),
    "trend": Case(
        fit=lambda: Trend.fit(made_readings.made_days()),
        kind=Trend,
        rows=lambda: made_readings.made_days(seed=2),
        numbers=lambda trends: two_sided(trends.drift),
        cut=by_subject,
        hidden=without_the_second,
        unknown_stays=True,
    ),
    "deterioration": Case(
        fit=lambda: Deterioration.fit(*made_illnesses()),
        kind=Deterioration,
        rows=lambda: made_illnesses(seed=2)[0],
        numbers=lambda scored: scored.probability,
        cut=lambda rows: np.array_split(rows, 7),
        hidden=half_unknown,
        unknown_stays=True,
    ),
    "silence": Case(
        fit=lambda: Silence.fit(made_routines.made_steps()),
        kind=Silence,
        rows=lambda: made_routines.made_steps(seed=2),
        numbers=lambda scored: scored.probability[288:].T,
        cut=lambda rows: [rows.homes([n]) for n in range(rows.sign.shape[1])],
        hidden=made_routines.hard_of_hearing,
    ),
    "routine": Case(
        fit=lambda: Routine.fit(made_routines.made_days()),
        kind=Routine,
        rows=lambda: made_routines.made_days(seed=2),
        numbers=lambda scored: scored.more.transpose(1, 0, 2),
        cut=lambda rows: [rows.homes([n]) for n in range(rows.count.shape[1])],
        hidden=made_routines.without_a_sensor,
        unknown_stays=True,
    ),
}
every = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every
def test_scoring_changes_nothing(case: Case) -> None:
    estimator = case.fit()
    before = json.dumps(estimator.state())
    first = case.numbers(estimator.score(case.rows()))
    again = case.numbers(estimator.score(case.rows()))
    assert json.dumps(estimator.state()) == before
    assert first.tobytes() == again.tobytes()


@every
def test_learning_again_gives_the_same_values(case: Case) -> None:
    assert json.dumps(case.fit().state()) == json.dumps(case.fit().state())


@every
def test_it_comes_back_from_plain_values(case: Case) -> None:
    estimator = case.fit()
    back = case.kind.from_state(json.loads(json.dumps(estimator.state())))
    rows = case.rows()
    assert case.numbers(back.score(rows)).tobytes() == case.numbers(estimator.score(rows)).tobytes()


@every
def test_pieces_give_the_same_as_the_whole(case: Case) -> None:
    estimator, rows = case.fit(), case.rows()
    pieces = [case.numbers(estimator.score(piece)) for piece in case.cut(rows)]
    assert np.concatenate(pieces).tobytes() == case.numbers(estimator.score(rows)).tobytes()


@every
def test_the_unknown_is_not_nothing(case: Case) -> None:
    estimator, rows = case.fit(), case.rows()
    known = case.numbers(estimator.score(rows))
    unknown = case.numbers(estimator.score(case.hidden(rows)))
    assert not np.array_equal(known, unknown, equal_nan=True)
    assert np.isnan(unknown).any() == case.unknown_stays


@every
def test_scores_are_between_nothing_and_certainty(case: Case) -> None:
    numbers = case.numbers(case.fit().score(case.rows()))
    known = numbers[~np.isnan(numbers)]
    assert len(known) > 0
    assert ((known >= 0) & (known <= 1)).all()


@pytest.mark.parametrize("cuts", [(3,), (1, 2), (5, 6, 7, 13)])
def test_day_by_day_gives_the_same_as_at_once(cuts: tuple[int, ...]) -> None:
    model, days = Agitation.fit(*learned_from()), others()
    whole = model.score(days)
    edges = [0, *cuts, 99]
    offset = days.day - days.day.min()
    memory = None
    for low, high in pairwise(edges):
        rows = (offset >= low) & (offset < high)
        piece = model.score(days.only(rows), memory)
        assert piece.score.tobytes() == whole.score[rows].tobytes()
        memory = memory_from_state(json.loads(json.dumps(memory_state(piece.memory))))


def test_days_out_of_order_are_refused() -> None:
    model, days = Agitation.fit(*learned_from()), others()
    after = model.score(days).memory
    with pytest.raises(ValueError, match="in order"):
        model.score(days, after)


def test_later_days_change_no_earlier_score() -> None:
    model, days = Agitation.fit(*learned_from()), others()
    early = days.day < days.day.min() + 9
    counts = days.counts.copy()
    counts[~early] *= 7.0
    changed = HomeDays(days.names, days.home, days.day, counts)
    assert model.score(changed).score[early].tobytes() == model.score(days).score[early].tobytes()
    assert (model.score(changed).score[~early] != model.score(days).score[~early]).mean() > 0.9


def test_the_expected_value_is_the_conditional_mean() -> None:
    """Two of six related: mean_b + cov_ab / var_a (a - mean_a), the textbook's formula."""
    mean, covariance = np.arange(1.0, 7.0), np.eye(6)
    covariance[0, 1] = covariance[1, 0] = 1.5
    covariance[0, 0] = 4.0
    row = np.array([[3.0, np.nan, 2.0, np.nan, 4.0, 5.0]])
    filled = _expected(row, mean, covariance)
    assert filled[0] == pytest.approx([3.0, 2.0 + 1.5 / 4.0 * 2.0, 2.0, 4.0, 4.0, 5.0], abs=1e-5)


def test_a_sigmoid_finds_the_probabilities_behind_the_scores() -> None:
    rng = np.random.default_rng(2)
    odds = rng.normal(-2.0, 2.0, 20_000)
    truth = 1 / (1 + np.exp(-(0.5 * odds - 1.0)))
    fitted = Sigmoid.fit(1 / (1 + np.exp(-odds)), rng.random(20_000) < truth)
    assert (fitted.slope, fitted.offset) == pytest.approx((0.5, -1.0), abs=0.08)
    assert fitted.score(1 / (1 + np.exp(-odds))) == pytest.approx(truth, abs=0.03)


def test_a_sigmoid_turns_nothing_round() -> None:
    score = np.linspace(0.01, 0.99, 100)
    fitted = Sigmoid.fit(score, score < 0.3)
    assert fitted.score(score) == pytest.approx(score)
