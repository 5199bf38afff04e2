"""Training judges by homes kept apart, and fixes a limit that keeps its word."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ModelError
from models.agitation import RUNS, Agitation, by_day, run_of
from models.crossing import FOLDS, folds, out_of_fold
from models.evaluating import evaluate
from models.home_days import Flags, HomeDays
from models.judging import auroc
from models.reasons import reasons
from models.training import Trained, alert_limit, train

from .made_homes import made_days


@pytest.fixture(scope="module")
def homes() -> tuple[HomeDays, Flags]:
    return made_days(homes=20, days=21)


@pytest.fixture(scope="module")
def trained(homes: tuple[HomeDays, Flags]) -> Trained:
    return train(*homes, 0.5)


def test_every_home_is_in_one_fold_and_labels_in_each(homes: tuple[HomeDays, Flags]) -> None:
    days, labels = homes
    for repeat in range(3):
        fold = folds(days, by_day(labels), repeat)
        assert all(len(set(fold[days.home == home])) == 1 for home in np.unique(days.home))
        assert all(labels[fold == number].any() for number in range(FOLDS))


def test_a_home_is_scored_by_models_that_never_saw_it(homes: tuple[HomeDays, Flags]) -> None:
    """Its labels shuffled, a home's own scores stay; so do its windows and all else."""
    days, labels = homes
    _, rows, score = next(iter(out_of_fold(days, labels)))
    other = labels.copy()
    other[rows] = np.random.default_rng(1).permutation(labels[rows])
    # The number of labels by home decides the folds, so it is kept.
    for home in np.unique(days.home[rows]):
        own = days.home == home
        other[own] = np.random.default_rng(1).permutation(labels[own])
    _, again, same = next(iter(out_of_fold(days, other)))
    assert (other != labels).any()
    assert np.array_equal(rows, again)
    assert score.tobytes() == same.tobytes()


def test_labels_are_told_on_homes_kept_apart(trained: Trained) -> None:
    assert (trained.record.figures["auroc"] or 0) > 0.9
    low, high = trained.record.intervals["auroc"] or (0, 0)
    assert low < (trained.record.figures["auroc"] or 0) < high


def test_labels_by_chance_are_not_told(homes: tuple[HomeDays, Flags]) -> None:
    days, labels = homes
    chance = np.random.default_rng(8).permutation(labels)
    score = np.zeros(len(days))
    for repeat, rows, found in out_of_fold(days, chance):
        if repeat > 0:
            break
        score[rows] = found
    assert 0.35 < auroc(by_day(chance), score) < 0.65


def test_windows_are_found_where_the_labels_come_from(trained: Trained) -> None:
    first, end = trained.model.windows[1]
    assert 7 <= first <= 9
    assert 11 <= end <= 13
    assert trained.model.windows[0] == (-5, 1)  # no labels to choose by


def test_the_limit_makes_no_more_alerts_than_wanted() -> None:
    probability = np.linspace(0.0, 0.99, 700)
    limit = alert_limit(probability, 0.5)
    assert (probability >= limit).sum() == 50
    tied = np.array([0.9] * 3 + [0.1] * 11)
    assert (tied >= alert_limit(tied, 1.5)).sum() == 3
    assert (tied >= alert_limit(tied, 1.0)).sum() == 0
    assert (tied >= alert_limit(tied, 7.0)).sum() >= 3


def test_the_limit_holds_on_homes_kept_apart(trained: Trained) -> None:
    assert 0.4 < trained.record.at_limit.alerts_per_home_week <= 0.5


def test_probabilities_are_about_right(trained: Trained) -> None:
    bands = trained.record.calibration
    assert sum(band.home_days for band in bands) == pytest.approx(trained.record.home_days)
    expected = sum(band.home_days * (band.expected or 0.0) for band in bands)
    assert expected == pytest.approx(trained.record.positive, rel=0.05)


def test_days_before_are_history_only(trained: Trained) -> None:
    days, labels = made_days(homes=20, days=21, seed=5)
    since = int(days.day.min()) + 10
    found = evaluate(trained, days, by_day(labels), since)
    assert found.report.home_days == (days.day >= since).sum() < len(days)
    late = days.only(days.day >= since)
    alone = evaluate(trained, late, by_day(labels)[days.day >= since])
    assert alone.report.home_days == found.report.home_days
    assert not np.array_equal(alone.probability, found.probability[found.rows])


def test_one_class_gives_a_sentence(trained: Trained) -> None:
    days, labels = made_days(homes=3, days=5, seed=5)
    for label, word in ((np.zeros(len(days), dtype=bool), "No"), (labels[:, 0] | True, "Every")):
        report = evaluate(trained, days, label).report
        assert report.auroc is report.average_precision is None
        assert report.note is not None
        assert report.note.startswith(word)
        assert report.home_days == len(days)


def test_reasons_add_up_to_the_score(trained: Trained) -> None:
    days, _ = made_days(homes=3, days=6, seed=5)
    scored = trained.model.score(days)
    model = trained.model
    odds = model.intercept + model.coefficients[-3:] + scored.weight.sum(axis=2)
    known = scored.by_run > 0
    assert (1 / (1 + np.exp(-odds)))[known] == pytest.approx(scored.by_run[known])
    top = int(np.argmax(scored.score))
    found = reasons(scored, model.windows, top)
    assert found[0].key in ("moves_raises", "events_raises", "hallway_raises")
    assert (found[0].value or 0) > 1.5 * (found[0].usual or 0) or found[0].usual is None


def test_too_little_to_learn_from_is_refused() -> None:
    days, labels = made_days(homes=4, days=5)
    nothing = np.zeros_like(labels)
    with pytest.raises(ModelError, match="at least two homes"):
        train(days, nothing, 0.5)
    one_home = labels.copy()
    one_home[days.home != 0] = False
    with pytest.raises(ModelError, match="there are 1"):
        train(days, one_home, 0.5)
    with pytest.raises(ModelError, match="and home-days without"):
        train(days, labels | True, 0.5)
    with pytest.raises(ModelError, match="needs home-days with"):
        Agitation.fit(days, nothing)


def test_a_label_belongs_to_the_run_before_it() -> None:
    assert [RUNS[run_of(hour)] for hour in (0, 7, 8, 9, 11, 12, 17, 18, 23)] == [
        *[8, 8, 8, 8, 8],
        *[12, 12, 18, 18],
    ]
