"""Each illness has its signature, and its labels follow from its course."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_sim.county import County
from gateway_sim.illness import CRISIS, HABITS, Illness, Illnesses, kinds
from gateway_sim.noise import Floats
from gateway_sim.people import VITALS, WELL, People
from gateway_sim.plan import make_plan
from gateway_sim.scenario import IllnessPlan, Scenario, WavePlan
from tests.unit.gateway_sim.chart import points

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
ZERO = START.timestamp()
MANY = 200
WHO = np.arange(MANY)
DIABETES = People(7, MANY, [["type 2 diabetes"]] * MANY)


def all_have(kind: str, hours: float, worst: float = 1.0) -> Illnesses:
    """Everybody fell ill so many hours before ZERO."""
    return Illnesses([Illness(kind, n, ZERO - 3600.0 * hours, worst) for n in WHO.tolist()])


def at_crisis(kind: str, people: People, worst: float = 1.0) -> Floats:
    """Vital signs at the height, shape (people, 6), as changes from those of the well."""
    course = kinds()[kind].course
    ill = all_have(kind, max(course, key=lambda point: point[1])[0], worst)
    now = np.full(MANY, ZERO)
    return people.vitals(WHO, now, ill) - people.vitals(WHO, now)


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        ("infection", {"temperature": 2, "pulse": 40, "respiratory_rate": 10, "systolic": -25}),
        ("pneumonia", {"temperature": 2, "pulse": 35, "respiratory_rate": 10, "spo2": -7}),
        ("urosepsis", {"temperature": 2, "pulse": 35, "systolic": -25}),
        ("influenza", {"temperature": 1.5, "pulse": 15, "respiratory_rate": 2}),
        ("urinary_infection", {"temperature": 0.8, "pulse": 10}),
        ("copd_exacerbation", {"respiratory_rate": 9, "spo2": -8, "pulse": 20}),
        ("heart_failure", {"respiratory_rate": 7, "spo2": -5, "pulse": 15}),
        ("hypoglycaemia", {"pulse": 20}),
        ("dehydration", {"pulse": 20, "systolic": -20, "temperature": 0.5}),
        ("missed_medication", {"systolic": 18, "diastolic": 8, "pulse": 4}),
        ("fall_and_lying", {"pulse": 8, "temperature": -0.3}),
        ("fall_and_up", {"pulse": 6}),
        ("hard_workout", {"pulse": 40, "respiratory_rate": 6, "systolic": 15}),
    ],
)
def test_what_it_does_to_vital_signs(kind: str, signature: dict[str, float]) -> None:
    change = at_crisis(kind, People(7, MANY)).mean(axis=0)
    for sign, least in signature.items():
        moved = change[VITALS.index(sign)]
        assert moved * np.sign(least) > abs(least), f"{sign} moved by {moved:.1f}"


def test_sepsis_scores_seven_and_more_and_influenza_does_not() -> None:
    people, now = People(7, MANY), np.full(MANY, ZERO)
    scores = {
        kind: points(people.vitals(WHO, now, all_have(kind, hours))).sum(axis=1)
        for kind, hours in (
            ("infection", 9.0),
            ("pneumonia", 112.0),
            ("urosepsis", 42.0),
            ("influenza", 30.0),
        )
    }
    assert (scores["infection"] >= 7).all()
    assert (scores["pneumonia"] >= 7).all()
    assert (scores["urosepsis"] >= 7).all()
    assert (scores["influenza"] >= 7).mean() < 0.05


def test_fever_comes_before_the_pressure_falls() -> None:
    people, now = People(7, MANY), np.full(MANY, ZERO)
    for kind, hours in (("infection", 4.1), ("pneumonia", 72.0), ("urosepsis", 26.0)):
        early = people.vitals(WHO, now, all_have(kind, hours)) - people.vitals(WHO, now)
        assert early[:, VITALS.index("temperature")].mean() > 0.6
        assert abs(early[:, VITALS.index("systolic")].mean()) < 5


def test_heart_failure_gains_more_than_two_kilograms_in_three_days() -> None:
    people = People(7, MANY)
    peak = 144.0
    before, after = (
        people.weighs(WHO, np.full(MANY, ZERO), all_have("heart_failure", hours))
        for hours in (peak - 72.0, peak)
    )
    assert (after - before > 2.0).all()


@pytest.mark.parametrize(("worst", "below_39", "below_30"), [(0.3, 0, 0), (0.7, 1, 0), (1.0, 1, 1)])
def test_hypoglycaemia_crosses_its_levels_by_severity(
    worst: float, below_39: int, below_30: int
) -> None:
    # Of those who are usually at 7 to 8: what is low depends on where one comes from.
    usual = np.flatnonzero((DIABETES.fasting > 7.0) & (DIABETES.fasting < 8.5))
    now = np.full(len(usual), ZERO)
    glucose = DIABETES.glucose(usual, now, all_have("hypoglycaemia", 1.0, worst))
    assert np.median(glucose < 3.9) == below_39
    assert np.median(glucose < 3.0) == below_30
    assert (glucose >= 1.2).all()


def test_dehydration_loses_weight_and_decline_does_slowly() -> None:
    people, now = People(7, MANY), np.full(MANY, ZERO)
    for kind, hours in (("dehydration", 72.0), ("slow_decline", 1440.0)):
        change = people.weighs(WHO, now, all_have(kind, hours)) - people.weighs(WHO, now)
        assert (change < -1.5).all()
    change = people.vitals(WHO, now, all_have("slow_decline", 1440.0)) - people.vitals(WHO, now)
    assert not change.any(), "nothing but the home shows it"


def test_a_beta_blocker_hides_the_pulse_of_an_infection() -> None:
    people = People(7, MANY, [["heart failure"]] * MANY)
    change = at_crisis("pneumonia", people)[:, VITALS.index("pulse")]
    takes = people.takes("beta_blocker")
    assert 0.75 < takes.mean() < 0.95
    assert change[takes].mean() < 0.75 * change[~takes].mean()


@pytest.mark.parametrize("kind", sorted(name for name, kind in kinds().items() if kind.harmless))
def test_look_alikes_end_without_a_crisis(kind: str) -> None:
    assert [label.what for label in Illness(kind, 0, ZERO).labels()] == ["onset", "recovered"]


@given(kind=st.sampled_from(sorted(kinds())), worst=st.floats(0.05, 1.0), pace=st.floats(0.2, 4.0))
@settings(max_examples=200, deadline=None)
def test_labels_follow_from_the_course(kind: str, worst: float, pace: float) -> None:
    one = Illness(kind, 0, ZERO, worst, pace)
    labels = {label.what: label.time for label in one.labels()}
    assert list(labels.values()) == sorted(labels.values())
    assert labels["onset"] == ZERO
    every = np.linspace(ZERO - 3600.0, one.ends + 3600.0, 20_000)
    severity = one.severity(every)
    step = every[1] - every[0]
    assert severity.max() <= worst
    assert (severity[(every < ZERO) | (every > one.ends)] == 0).all()
    if "first_sign" in labels:
        seen = every[severity >= kinds()[kind].sign]
        # The grid may miss a short peak, but nothing is ever seen before the label.
        assert (
            len(seen) == 0
            or -1e-3 <= seen[0] - labels["first_sign"] <= step + 1e-3
            or (severity.max() < kinds()[kind].sign + 0.1)
        )
    if not kinds()[kind].harmless:
        height = worst * max(s for _, s in kinds()[kind].course)
        assert ("crisis" in labels) == (height >= CRISIS)
        assert ("first_sign" in labels) == (height >= kinds()[kind].sign)


def test_every_height_is_reached_however_it_is_rounded() -> None:
    for worst in np.linspace(0.5, 1.0, 2_001).tolist():
        for kind in kinds():
            Illness(kind, 0, ZERO, worst).labels()


def test_everything_says_where_it_comes_from_and_moves_something() -> None:
    for name, kind in kinds().items():
        assert kind.source, name
        assert any(getattr(kind, what) is not None for what in (*VITALS, "glucose", *HABITS)), name


def test_what_is_harmless_at_home_leaves_vital_signs_alone() -> None:
    people, now = People(7, MANY), np.full(MANY, ZERO)
    for kind in ("guests", "new_pet", "moved_sensor"):
        assert np.array_equal(
            people.vitals(WHO, now, all_have(kind, 20.0)), people.vitals(WHO, now)
        )


def test_a_fall_is_told_by_the_button_in_most_cases() -> None:
    county = County(7, 300)
    wave = WavePlan("fall_and_lying", 1.0, 0.0, 10.0, 5.0)
    plan = make_plan(county, Scenario("falls", "…", 10.0, wave=[wave]), START)
    told = [event.reading for event in plan.events]
    assert {reading.metric for reading in told} == {"fall"}
    assert {reading.device for reading in told} == {"button-1", "button-2"}
    assert 0.7 < len(told) / len(county.residents) < 0.9


def test_scenarios_say_how_severe_and_whom() -> None:
    county = County(7, 400)
    wave = WavePlan("hypoglycaemia", 1.0, 0.0, 10.0, 5.0, medication=["insulin"], worst=(0.3, 0.9))
    one = IllnessPlan("pneumonia", 1, 0.5, 60.0, worst=0.6, pace=0.5)
    plan = make_plan(county, Scenario("s", "…", 10.0, illness=[one], wave=[wave]), START)
    low = [ill for ill in plan.illnesses if ill.kind == "hypoglycaemia"]
    assert {ill.person for ill in low} == set(np.flatnonzero(county.people.takes("insulin")))
    assert 0.3 <= min(ill.worst for ill in low) < 0.5 < 0.7 < max(ill.worst for ill in low) <= 0.9
    (lungs,) = (ill for ill in plan.illnesses if ill.kind == "pneumonia")
    assert lungs.severity(np.array([ZERO + 3600.0]))[0] == pytest.approx(0.5)
    assert WELL.whom(0, 1e12).size == 0
