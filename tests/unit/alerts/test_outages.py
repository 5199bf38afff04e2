"""An area that is out, told from gateways that fail by themselves."""

from __future__ import annotations

import json
from datetime import timedelta
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.silence.outages import Limits, Lost, Outage, chance, follow, is_countywide, together
from alerts.worker.state import State
from tests.unit.alerts.making import NOW, minutes

LIMITS = Limits(
    at_least=3,
    within=minutes(15),
    alone=0.001,
    chance=1e-6,
    ends_after=minutes(5),
)


def lost(*ago: float, first: int = 1) -> list[Lost]:
    return [Lost(first + number, NOW - minutes(one)) for number, one in enumerate(ago)]


def begins(gone: list[Lost], watched: int) -> Outage | None:
    return follow(None, gone, watched=watched, now=NOW, limits=LIMITS)


def test_a_village_of_three_counts_and_three_of_a_town_do_not() -> None:
    assert begins(lost(5, 6, 7), 3) is not None
    assert begins(lost(5, 6, 7), 12) is not None
    assert begins(lost(5, 6, 7), 3000) is None
    assert begins(lost(5, 6), 2) is None, "two may be chance"


def test_many_of_a_town_count_though_few_of_it() -> None:
    assert begins(lost(*[5.0] * 9), 500) is not None
    assert begins(lost(*[5.0] * 4), 500) is None


def test_those_lost_long_apart_are_no_event() -> None:
    assert begins(lost(5, 25, 45), 3) is None
    assert begins(lost(5, 20, 12), 3) is not None


def test_those_dead_for_weeks_are_not_part_of_it() -> None:
    outage = begins(lost(9, 8, 7, 90_000), 15)
    assert outage is not None
    assert outage.gateways.keys() == {1, 2, 3}
    assert (outage.most, outage.since) == (3, NOW - minutes(9))


def test_the_list_shrinks_and_the_last_one_ends_it_after_a_while() -> None:
    outage = begins(lost(5, 5, 5, 5), 10)
    assert outage is not None
    now = NOW
    for left in (3, 2):
        now += minutes(1)
        outage = follow(outage, lost(*[5.0] * left), watched=10, now=now, limits=LIMITS)
        assert outage is not None
        assert (len(outage.gateways), outage.most, outage.ebbing_since) == (left, 4, None)
    outage = follow(outage, lost(5), watched=10, now=now, limits=LIMITS)
    assert outage is not None
    assert outage.ebbing_since == now
    early = follow(outage, lost(5), watched=10, now=now + minutes(4.9), limits=LIMITS)
    assert early is not None
    assert early.gateways.keys() == {1}
    # A second one lost again meanwhile: it goes on, and the time starts anew.
    again = follow(early, lost(5, 5), watched=10, now=now + minutes(4.9), limits=LIMITS)
    assert again is not None
    assert again.ebbing_since is None
    assert follow(outage, lost(5), watched=10, now=now + minutes(5), limits=LIMITS) is None


def test_who_is_lost_later_joins_an_outage() -> None:
    outage = begins(lost(5, 5, 5), 10)
    assert outage is not None
    later = [*lost(5, 5, 5), Lost(9, NOW + minutes(60))]
    outage = follow(outage, later, watched=10, now=NOW + minutes(80), limits=LIMITS)
    assert outage is not None
    assert outage.gateways.keys() == {1, 2, 3, 9}
    assert outage.most == 4


@pytest.mark.parametrize(("number", "watched", "alone"), [(1, 1, 0.2), (3, 3, 0.1), (2, 7, 0.05)])
def test_the_chance_is_the_binomial_tail(number: int, watched: int, alone: float) -> None:
    exact = sum(
        comb(watched, k) * alone**k * (1 - alone) ** (watched - k)
        for k in range(number, watched + 1)
    )
    assert chance(number, watched, alone) == pytest.approx(exact, rel=1e-9)
    assert chance(0, watched, alone) == 1.0


@given(st.lists(st.integers(0, 100), min_size=1, max_size=40))
def test_together_is_the_fullest_window(ago: list[int]) -> None:
    gone = lost(*ago)
    found = together(gone, minutes(15))
    times = [NOW - minutes(one) for one in ago]
    fullest = max(
        sum(1 for time in times if start <= time <= start + minutes(15)) for start in times
    )
    assert len(found) == fullest
    assert found[-1].since - found[0].since <= timedelta(minutes=15)


def test_the_county_is_out_when_several_areas_and_most_homes_are() -> None:
    def out(number: int) -> Outage:
        return Outage(NOW, number, dict.fromkeys(range(number), NOW))

    assert is_countywide({1: out(30), 2: out(30)}, watched=100, share=0.5)
    assert not is_countywide({1: out(60)}, watched=100, share=0.5), "one area is that area"
    assert not is_countywide({1: out(20), 2: out(20)}, watched=100, share=0.5)
    assert not is_countywide({}, watched=0, share=0.5)


def test_an_outage_is_remembered_as_it_is() -> None:
    outage = Outage(NOW, 9, {7: NOW, 8: NOW - minutes(3)}, NOW)
    stored = json.loads(State(outage=outage).write())
    assert State.read(stored).outage == outage
    assert "outage" not in json.loads(State().write())
