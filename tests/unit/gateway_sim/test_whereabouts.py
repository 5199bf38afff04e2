"""Where the sensors say that somebody is."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from gateway_sim.county import County
from gateway_sim.illness import Illness, Illnesses
from gateway_sim.localtime import local_midnight
from gateway_sim.people import WELL
from gateway_sim.whereabouts import SLOTS, WHERE, nights, whereabouts

COUNTY = County(7, 30)
ALONE = [h.residents[0].person for h in COUNTY.homes if len(h.residents) == 1][:12]
DAY = date(2026, 2, 10)
BED, OUT = WHERE.index("bed"), WHERE.index("out")


def places(ill: Illnesses, start: float, end: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Everybody's places between two hours."""
    first, last = round(start * 6), round(end * 6)
    return np.concatenate([whereabouts(COUNTY, p, DAY, ill)[first:last] for p in ALONE])


def all_have(kind: str, hours: float) -> Illnesses:
    onset = local_midnight(DAY) - 3600.0 * hours
    return Illnesses([Illness(kind, person, onset) for person in ALONE])


def test_a_day_of_the_well() -> None:
    assert len(whereabouts(COUNTY, ALONE[0], DAY, WELL)) == SLOTS
    assert (places(WELL, 1, 4) == BED).mean() > 0.85
    noon = places(WELL, 10, 18)
    assert (noon == BED).mean() < 0.1
    assert 0.02 < (noon == OUT).mean() < 0.5
    assert len(np.unique(noon)) >= 6


def test_the_ill_are_in_bed_or_in_the_chair_and_the_absent_are_out() -> None:
    assert (places(all_have("pneumonia", 105), 10, 18) == BED).mean() > 0.3
    chair = places(all_have("heart_failure", 140), 1, 4)
    assert (chair == WHERE.index("livingroom")).mean() > 0.4  # who sits there rises, and often
    assert (chair == BED).mean() < 0.2
    for hours in (20, 60, 100):
        assert (places(all_have("holiday", hours), 0, 23) == OUT).all()


def test_visits_to_the_bathroom_by_night() -> None:
    first = DAY - timedelta(days=10)
    usual = np.array([nights(COUNTY, p, first, 10, WELL) for p in ALONE])
    assert 0.3 < usual.mean() < 4.0
    ill = np.array([nights(COUNTY, p, DAY, 1, all_have("urinary_infection", 72)) for p in ALONE])
    assert ill.mean() > 1.5 * usual.mean()
