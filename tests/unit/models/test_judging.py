"""Figures are those of scikit-learn; intervals come from homes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from models.judging import FIGURES, auroc, figures, judge


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=2))
def test_weighted_figures_are_those_of_scikit_learn(rows: list[tuple[bool, int, int]]) -> None:
    positive = np.array([row[0] for row in rows])
    score = np.array([row[1] for row in rows], dtype=float)
    weight = np.array([row[2] for row in rows], dtype=float)
    (found,) = figures(positive, score, weight[None])
    counted = weight > 0
    if positive[counted].all() or not positive[counted].any():
        assert np.isnan(found).all()
        return
    assert found[0] == pytest.approx(roc_auc_score(positive, score, sample_weight=weight))
    assert found[1] == pytest.approx(average_precision_score(positive, score, sample_weight=weight))
    wrong, right, _ = roc_curve(positive, score, sample_weight=weight, drop_intermediate=False)
    for place, specificity in ((2, 0.8), (3, 0.9)):
        assert found[place] == pytest.approx(right[wrong <= 1 - specificity + 1e-9].max())


def test_an_interval_is_as_wide_as_homes_differ() -> None:
    """The same days, told apart by homes or each a home of its own: homes differ, days do not."""
    rng = np.random.default_rng(4)
    home = np.repeat(np.arange(10), 60)
    positive = rng.random(600) < 0.3
    score = positive * np.where(home < 5, 2.0, -0.5) + rng.normal(size=600)
    width = []
    for unit in (home, np.arange(600)):
        judged = judge(unit, positive, score[None])
        low, high = judged.intervals["auroc"] or (0.0, 0.0)
        assert low < (judged.figures["auroc"] or 0) < high
        width.append(high - low)
    assert width[0] > 2 * width[1]


def test_one_class_has_no_figures_and_one_home_no_intervals() -> None:
    score = np.array([0.1, 0.9, 0.5])
    none = judge(np.arange(3), np.zeros(3, dtype=bool), score[None])
    assert none.figures == dict.fromkeys(FIGURES)
    assert none.intervals == dict.fromkeys(FIGURES)
    one = judge(np.zeros(3, dtype=int), score > 0.4, score[None])
    assert one.figures["auroc"] == 1.0
    assert one.intervals == dict.fromkeys(FIGURES)


def test_the_mean_of_several_scorings_and_their_spread() -> None:
    positive = np.array([True, False, True, False])
    judged = judge(np.arange(4), positive, np.array([[4.0, 3, 2, 1], [4.0, 2, 3, 1]]))
    assert judged.figures["auroc"] == pytest.approx(0.875)
    assert judged.spread["auroc"] == (0.75, 1.0)
    assert auroc(positive, np.ones(4)) == 0.5
