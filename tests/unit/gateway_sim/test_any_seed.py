"""For any seed, date and illness: what devices say is possible, and their clocks go forward."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from gateway_sim.ambient import CHANNELS
from gateway_sim.county import County
from gateway_sim.day import ambient_day
from gateway_sim.illness import Illness, Illnesses, kinds
from gateway_sim.localtime import local_midnight
from gateway_sim.measuring import BY_HAND, by_hand
from gateway_sim.noise import Floats
from gateway_sim.people import VITALS

HOMES, DAYS = 6, 3
LIVED_WITH = {
    "pulse": (20.0, 220.0),
    "spo2": (50.0, 100.0),
    "respiratory_rate": (3.0, 60.0),
    "systolic": (45.0, 260.0),
    "diastolic": (20.0, 150.0),
    "temperature": (32.0, 42.0),
    "weight": (30.0, 200.0),
    "glucose": (1.0, 35.0),
}
"""Narrower than the catalogue's possible ranges, which only rule out what cannot be measured."""

seeds = st.integers(0, 2**40)
dates = st.one_of(
    st.dates(date(2020, 1, 1), date(2035, 12, 20)),
    st.sampled_from([date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25)]),
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[County, date, Illnesses]:
    """A small county, a first day, and up to eight things that are the matter around then."""
    county, first = County(draw(seeds), HOMES), draw(dates)
    what = st.builds(
        Illness,
        st.sampled_from(sorted(kinds())),
        st.integers(0, len(county.people) - 1),
        st.floats(-200.0, 72.0).map(lambda hours: local_midnight(first) + 3600.0 * hours),
        st.floats(0.05, 1.0),
        st.floats(0.3, 3.0),
    )
    return county, first, Illnesses(draw(st.lists(what, max_size=8)))


def possible(metric: str, values: Floats) -> None:
    """Assert that values lie in the catalogue's range, and in one that people live with."""
    for low, high in (catalogue()[metric].possible, LIVED_WITH.get(metric, (-np.inf, np.inf))):
        assert ((values >= low) & (values <= high)).all(), (metric, values.min(), values.max())


@given(world=worlds())
@settings(max_examples=60, deadline=None)
def test_physiology_is_possible(world: tuple[County, date, Illnesses]) -> None:
    county, first, illnesses = world
    start, end = local_midnight(first), local_midnight(first + timedelta(days=DAYS))
    moments = np.arange(start, end, 1800.0)
    who = np.repeat(np.arange(len(county.people)), len(moments))
    time = np.tile(moments, len(county.people))
    vitals = county.people.vitals(who, time, illnesses)
    for column, sign in enumerate(VITALS):
        possible(sign, vitals[:, column])
    systolic, diastolic = (vitals[:, VITALS.index(s)] for s in ("systolic", "diastolic"))
    assert (systolic - diastolic >= 10.0).all()
    possible("weight", county.people.weighs(who, time, illnesses))
    possible("glucose", county.people.glucose(who, time, illnesses))


@given(world=worlds())
@settings(max_examples=25, deadline=None)
def test_time_goes_forward_and_values_are_possible(world: tuple[County, date, Illnesses]) -> None:
    county, first, illnesses = world
    days = [first + timedelta(days=number) for number in range(DAYS)]
    everybody = np.arange(len(county.people))
    walls = np.concatenate([ambient_day(county.dwellers, day, illnesses) for day in days])
    hands = np.concatenate([by_hand(county, everybody, day, illnesses) for day in days])
    for events, whose, channels in ((walls, "home", CHANNELS), (hands, "person", BY_HAND)):
        for channel, (_, metric) in enumerate(channels):
            said = events[events["channel"] == channel]
            if len(said):
                possible(metric, said["value"])
            for one in np.unique(said[whose]).tolist():
                assert (np.diff(said["time"][said[whose] == one]) > 0.0).all(), (one, metric)


@given(world=worlds(), part=st.floats(0.0, 1.0), before_a_door=st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_day_that_is_cut_off_is_the_beginning_of_the_whole(
    world: tuple[County, date, Illnesses], part: float, before_a_door: bool
) -> None:
    county, day, illnesses = world
    whole = ambient_day(county.dwellers, day, illnesses)
    cuts = whole["time"]
    doors = cuts[whole["channel"] == CHANNELS.index(("door-front", "door"))]
    if before_a_door and len(doors):
        cuts = doors - 8.0  # the hallway sees who goes out before the door says so
    until = float(cuts[int(part * (len(cuts) - 1))]) + 0.001
    cut = ambient_day(county.dwellers, day, illnesses, until=until)
    assert np.array_equal(cut, whole[whole["time"] < until])
