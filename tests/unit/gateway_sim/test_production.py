"""What devices say between two moments does not depend on how time is cut up."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from gateway_sim.county import County
from gateway_sim.plan import make_plan
from gateway_sim.production import Production
from gateway_sim.reading import Reading
from gateway_sim.scenario import load_scenario

START = datetime(2026, 3, 28, 20, tzinfo=UTC)  # the clock changes in this night
COUNTY = County(7, 3)
PRODUCTION = Production(COUNTY, make_plan(COUNTY, load_scenario("demo"), START))
ZERO = START.timestamp()


@given(cuts=st.lists(st.floats(0, 7200), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_any_steps_give_the_same_readings(cuts: list[float]) -> None:
    edges = [0.0, *sorted(cuts), 7200.0]
    pieces: dict[int, list[Reading]] = defaultdict(list)
    for start, end in pairwise(edges):
        for home, readings in PRODUCTION.between(ZERO + start, ZERO + end).items():
            pieces[home].extend(readings)
    whole = PRODUCTION.between(ZERO, ZERO + 7200)
    assert {h: sorted(r) for h, r in pieces.items()} == {h: sorted(r) for h, r in whole.items()}


@given(after=st.floats(0, 12 * 3600))
@settings(max_examples=50, deadline=None)
def test_nothing_is_due_before_the_next(after: float) -> None:
    due = PRODUCTION.next_due(ZERO + after)
    assert due > ZERO + after
    assert not PRODUCTION.between(ZERO + after, due - 0.0005)
    assert PRODUCTION.between(ZERO + after, due)


def test_every_device_counts_on_and_stays_possible() -> None:
    for readings in PRODUCTION.between(ZERO, ZERO + 12 * 3600).values():
        newest: dict[tuple[str, str], float] = {}
        for reading in readings:
            key = (reading.device, reading.metric)
            assert reading.time > newest.get(key, 0.0)
            newest[key] = reading.time
            low, high = catalogue()[reading.metric].possible
            assert low <= reading.value <= high
        minutes = sum(r.device == "monitor-1" and r.metric == "pulse" for r in readings)
        assert minutes == 12 * 60


def test_the_help_button_is_pressed_when_planned() -> None:
    presses = [
        (reading.time - ZERO, reading.device)
        for readings in PRODUCTION.between(ZERO, ZERO + 3600).values()
        for reading in readings
        if reading.metric == "help"
    ]
    assert presses == [(1200.0, "button-1")]
