"""Which alerts an illness explains."""

from __future__ import annotations

import pytest

from alerts.finding import KINDS
from gateway_sim.illness import HABITS, kinds
from saimi.simulated_truth import SIGNS, explained_by, signs_of


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
