"""Measuring by hand: what is measured, what is forgotten, what goes wrong."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.catalogue import catalogue
from gateway_sim.county import County
from gateway_sim.illness import Illness, Illnesses
from gateway_sim.localtime import local_midnight
from gateway_sim.measuring import BY_HAND, by_hand, measured_day
from gateway_sim.people import VITALS, WELL, Indexes
from gateway_sim.traits import traits

BY_THEMSELVES = County(7, 400, monitors=0.0)
EVERYBODY: Indexes = np.arange(len(BY_THEMSELVES.people))
WINTER = [date(2026, 1, 5) + timedelta(days=n) for n in range(14)]


def of(made: NDArray[np.void], kind: str, metric: str) -> NDArray[np.void]:
    part: NDArray[np.void] = made[made["channel"] == BY_HAND.index((kind, metric))]
    return part


def fortnight(ill: Illnesses = WELL) -> NDArray[np.void]:
    return np.concatenate([by_hand(BY_THEMSELVES, EVERYBODY, day, ill) for day in WINTER])


@given(day=st.dates(date(2020, 1, 1), date(2035, 12, 31)), home=st.integers(0, 399))
@settings(max_examples=40, deadline=None)
def test_one_home_is_as_among_all_and_possible(day: date, home: int) -> None:
    here = BY_THEMSELVES.homes[home]
    readings = measured_day(BY_THEMSELVES, here, day)
    first = here.residents[0].person
    together = by_hand(BY_THEMSELVES, EVERYBODY, day)
    own = together[np.isin(together["person"], [r.person for r in here.residents])]
    assert [(r.time, r.device, r.metric, r.value) for r in readings] == [
        (time, f"{BY_HAND[channel][0]}-{person - first + 1}", BY_HAND[channel][1], value)
        for time, person, channel, value in own.tolist()
    ]
    start, end = local_midnight(day), local_midnight(day + timedelta(days=1))
    known = {model.name for model in here.devices}
    for reading in readings:
        assert start <= reading.time < end
        assert reading.device in known
        low, high = catalogue()[reading.metric].possible
        assert low <= reading.value <= high


def test_twice_a_day_and_now_and_then_forgotten() -> None:
    cuffs = of(fortnight(), "cuff", "systolic")
    a_day = len(cuffs) / len(WINTER) / len(EVERYBODY)
    assert 1.7 < a_day < 1.95
    by_person = Counter(cuffs["person"].tolist())
    forgetful = BY_THEMSELVES.people.has("memory disorder")
    means = [np.mean([by_person[p] for p in np.flatnonzero(f)]) for f in (forgetful, ~forgetful)]
    assert means[0] < 0.85 * means[1]


def test_only_those_with_diabetes_measure_glucose() -> None:
    measured = np.unique(of(fortnight(), "glucometer", "glucose")["person"])
    assert np.array_equal(measured, np.flatnonzero(BY_THEMSELVES.people.has("type 2 diabetes")))


def test_a_bad_posture_and_cold_hands_move_some_readings() -> None:
    made = fortnight()
    for kind, metric, wrong in (
        ("cuff", "systolic", traits().measuring.posture["systolic"]),
        ("oximeter", "spo2", traits().measuring.cold_hands_spo2),
    ):
        part = of(made, kind, metric)
        true = BY_THEMSELVES.people.vitals(part["person"].astype(np.int64), part["time"])
        off = part["value"] - true[:, VITALS.index(metric)]
        assert set(off.tolist()) == {0.0, wrong}
        assert 0.005 < (off != 0).mean() < 0.12
        most = Counter(part["person"][off != 0].tolist()).most_common(1)[0][1]
        assert most >= 4, "it is a habit of some people"


def test_now_and_then_the_spouse_is_on_the_scale() -> None:
    part = of(fortnight(), "scale", "weight")
    who, people = part["person"].astype(np.int64), BY_THEMSELVES.people
    other = part["value"] != people.weighs(who, part["time"])
    spouse = BY_THEMSELVES.spouse[who]
    assert 0.01 < other[spouse != who].mean() < 0.06
    assert not other[spouse == who].any()
    assert np.array_equal(part["value"][other], people.weighs(spouse, part["time"])[other])


def test_who_is_away_measures_nothing() -> None:
    start = local_midnight(WINTER[2])
    made = fortnight(Illnesses([Illness("hospital_stay", 5, start)]))
    during = (made["time"] > start + 1800) & (made["time"] < start + 5 * 86_400)
    assert not (made["person"][during] == 5).any()
    assert (made["person"][~during] == 5).any()
