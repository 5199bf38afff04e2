"""Which alerts an illness explains."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.backtest.history import Columns, micros
from alerts.finding import KINDS
from core.catalogue import catalogue
from gateway_sim.illness import HABITS, kinds
from saimi.simulated_truth import SIGNS, Measurements, explained_by, signs_of


@pytest.mark.parametrize(
    ("illness", "explained", "unexplained"),
    [
        (
            "pneumonia",
            [("news2", ""), ("spo2", ""), ("limit", "pulse"), ("trend", "weight"),
             ("deterioration", ""), ("routine", "less_by_day")],
            [("glucose", ""), ("fall", ""), ("silence", "gw-1"), ("routine", "night_door"),
             ("technical", ""), ("help", "")],
        ),
        ("hypoglycaemia", [("glucose", ""), ("news2", "")], [("spo2", ""), ("trend", "weight")]),
        ("slow_decline", [("routine", "less_by_day"), ("trend", "weight")], [("news2", "")]),
        ("fall_and_lying", [("fall", ""), ("inactivity", "")], [("glucose", ""), ("help", "")]),
        ("night_wandering", [("routine", "night_door")], [("news2", ""), ("blood_pressure", "")]),
    ],
)  # fmt: skip
def test_an_alert_is_explained_by_what_it_looks_at(
    illness: str, explained: list[tuple[str, str]], unexplained: list[tuple[str, str]]
) -> None:
    explains = explained_by(signs_of(kinds()[illness]))
    assert all(explains(*alert) for alert in explained)
    assert not any(explains(*alert) for alert in unexplained)


def test_signs_are_of_kinds_that_there_are() -> None:
    assert {kind for kind, _ in SIGNS} <= set(KINDS)
    vitals = {"pulse", "spo2", "respiratory_rate", "systolic", "diastolic", "temperature"}
    known = {*HABITS, *vitals, "weight", "glucose"}
    assert frozenset().union(*SIGNS.values()) <= known


def test_an_illness_is_measured_where_a_sign_that_it_moves_came_in_time() -> None:
    names = catalogue()
    onset, until = datetime(2026, 1, 5, 8, tzinfo=UTC), datetime(2026, 1, 5, 17, tzinfo=UTC)
    hour = timedelta(hours=1)

    def measured(client: int, metric: str, at: datetime, late: timedelta = 0 * hour) -> bool:
        one = np.ones(1, dtype=np.int64)
        readings = Columns(
            one * client, one, one * names[metric].id, one * micros(at), one * micros(at + late),
            np.array([1.0]), one * 0, one * 0,
        )  # fmt: skip
        signs = signs_of(kinds()["infection"])
        return Measurements(readings).between(1, signs, onset, until)

    assert measured(1, "temperature", onset + hour)
    assert not measured(2, "temperature", onset + hour)
    assert not measured(1, "glucose", onset + hour)
    assert not measured(1, "temperature", onset - hour)
    assert not measured(1, "temperature", until + hour)
    assert not measured(1, "temperature", onset + hour, late=9 * hour)
