"""What was recorded when an episode was closed, and what that keeps from being told again."""

from __future__ import annotations

from datetime import datetime

import pytest

from alerts.finding import Finding, rfc3339
from tests.unit.alerts.episode_world import (
    BEHAVIOURS,
    World,
    made,
    pulse,
)
from tests.unit.alerts.making import NOW, minutes


def model(probability: float, at: datetime, *signs: str, severity: int = 3) -> Finding:
    """What the model of deterioration says, with a weighty reason for each sign."""
    reasons = [{"key": "above", "metric": sign, "weight": 2.0} for sign in signs]
    params = {"probability": probability, "reasons": reasons}
    return made("deterioration", severity, evidence=(pulse(at),), params=params)


HOUR = 60.0
KNOWN_H = BEHAVIOURS["deterioration"].known_for / minutes(HOUR)


@pytest.mark.parametrize("outcome", ["false", "technical", "known"])
def test_what_was_recorded_as_nothing_new_is_not_told_again(outcome: str) -> None:
    world = World()
    world.see(model(0.3, world.now, "pulse"))
    world.close(outcome)
    # It goes away for as long as clears it, and comes back.
    world.see(after=HOUR)
    world.see(after=24 * HOUR)
    assert world.see(model(0.3, world.now + minutes(HOUR), "pulse"), after=HOUR) == []
    assert world.due == [NOW + minutes(KNOWN_H * HOUR)]
    late = NOW + minutes(KNOWN_H * HOUR)
    world.now = late
    assert world.see(model(0.3, late, "pulse")) == ["opened"]


@pytest.mark.parametrize(
    "worse",
    [model(0.6, NOW + minutes(60), "pulse"), model(0.3, NOW + minutes(60), "pulse", "temperature"),
     model(0.3, NOW + minutes(60), "pulse", severity=4)],
    ids=["odds", "reason", "severity"],
)  # fmt: skip
def test_what_is_worse_than_what_was_looked_at_is_told(worse: Finding) -> None:
    world = World()
    world.see(model(0.3, NOW, "pulse"))
    world.close("false")
    assert world.see(worse, after=60) == ["opened"]


def test_a_milder_finding_does_not_open_what_was_dismissed() -> None:
    """Open as a review it would rise with what was looked at already, and call."""
    world = World()
    world.see(model(0.3, NOW, "pulse"))
    world.close("false")
    milder = model(0.1, NOW + minutes(60), "pulse", "temperature", severity=1)
    assert world.see(milder, after=60) == []


def test_a_real_illness_that_goes_on_rests_and_one_that_came_back_is_told() -> None:
    world = World()
    world.see(model(0.9, NOW, "pulse"))
    world.close("real")
    rest = BEHAVIOURS["deterioration"].again_after / minutes(HOUR)
    for _ in range(int(rest) // 8 - 1):
        assert world.see(model(0.5, world.now + minutes(8 * HOUR), "pulse"), after=8 * HOUR) == []
    world.see(after=HOUR)
    world.see(after=12 * HOUR)
    assert world.see(model(0.5, world.now + minutes(1), "pulse"), after=1) == ["opened"]


def silence(since: datetime) -> Finding:
    return made("inactivity", 3, params={"since": rfc3339(since)})


def test_a_silence_that_somebody_looked_into_is_told_once() -> None:
    world = World()
    began = NOW - minutes(10 * HOUR)
    assert world.see(silence(began)) == ["opened"]
    world.close("known")
    assert world.see(silence(began), after=24 * HOUR) == []
    assert world.see(silence(began), after=47 * HOUR) == []
    # It is not forgotten: after three days somebody looks again.
    assert world.see(silence(began), after=HOUR) == ["opened"]


def test_another_silence_is_another_alert() -> None:
    world = World()
    world.see(silence(NOW - minutes(10 * HOUR)))
    world.close("known")
    world.see(after=HOUR)  # a sign of life
    world.see(after=HOUR)
    assert world.see(silence(NOW + minutes(HOUR)), after=20 * HOUR) == ["opened"]


def test_a_silence_that_was_real_is_told_again() -> None:
    world = World()
    began = NOW - minutes(10 * HOUR)
    world.see(silence(began))
    world.close("real")
    assert world.see(silence(began), after=2 * HOUR) == ["opened"]


def test_what_is_never_filtered_is_told_whatever_was_recorded() -> None:
    world = World()
    world.press()
    world.close("false")
    assert world.press(after=1) == ["opened"]
