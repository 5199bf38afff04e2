"""The state machine of episodes: each of its rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.episodes.joining import evidence_keys
from alerts.finding import rfc3339
from tests.unit.alerts.episode_world import (
    AGAIN,
    BEHAVIOURS,
    LOWER,
    World,
    made,
    pulse,
)
from tests.unit.alerts.making import NOW, minutes


def test_a_finding_opens_one_episode_and_worse_ones_raise_it() -> None:
    world = World()
    assert world.news2(2) == ["opened"]
    assert world.news2(2, after=1) == []
    assert world.news2(3, after=1) == ["rose"]
    assert world.news2(4, after=1) == ["rose"]
    assert (world.only.severity, world.only.highest) == (4, 4)


def test_new_evidence_of_the_same_is_kept_without_an_event() -> None:
    world = World()
    world.news2(3)
    world.news2(3, after=5)
    assert world.only.evidence[0]["time"] == rfc3339(world.now)
    assert world.log == ["opened"]


def test_it_falls_to_the_worst_seen_meanwhile() -> None:
    world = World()
    world.news2(4)
    assert world.news2(1, after=1) == []
    assert world.news2(2, after=5) == []
    assert world.news2(1, after=9) == []
    assert world.due
    assert world.news2(1, after=1) == ["fell"]
    assert world.only.severity == 2
    assert world.news2(1, after=LOWER / minutes(1)) == ["fell"]
    assert (world.only.severity, world.only.highest) == (1, 4)


def test_it_clears_after_a_while_without_findings_and_stays_open() -> None:
    world = World()
    world.news2(3)
    assert world.see(after=1) == []
    assert world.see(after=14.9) == []
    assert world.see(after=0.1) == ["cleared"]
    assert world.only.cleared_at == world.now
    assert world.see(after=600) == []


def test_flapping_is_one_episode_without_a_storm_of_events() -> None:
    world = World()
    world.news2(3)
    for _ in range(100):
        world.see(after=5)
        world.news2(3, after=5)
    assert world.log == ["opened"]


def test_what_was_cleared_returns_as_the_same_episode() -> None:
    world = World()
    world.news2(3)
    world.see(after=1)
    world.see(after=20)
    assert world.news2(2, after=5) == ["returned"]
    assert (world.only.severity, world.only.cleared_at) == (2, None)


def test_values_that_went_missing_are_no_recovery() -> None:
    world = World()
    world.news2(4)
    assert world.see(after=1, valid=()) == []
    assert world.see(after=600, valid=()) == []
    assert world.only.severity == 4
    # Measured again and well: now it counts, from now on.
    assert world.see(after=1) == []
    assert world.see(after=15) == ["cleared"]


def test_a_missing_value_that_gave_no_points_is_not_waited_for() -> None:
    world = World()
    evidence = (pulse(NOW), pulse(NOW, 37.0, metric="temperature"))
    points = {"pulse": [3, 3], "temperature": [0, 0]}
    world.see(made("news2", 2, evidence=evidence, points=points))
    stored_evidence = [
        {**entry, "points": points[entry["metric"]]} for entry in world.only.evidence
    ]
    world.episodes[0] = replace(world.only, evidence=stored_evidence)
    world.see(after=1, valid=["pulse"])
    assert world.see(after=15, valid=["pulse"]) == ["cleared"]


def test_what_was_not_looked_at_changes_nothing() -> None:
    world = World()
    world.news2(3)
    world.see(after=1)
    quiet = dict(world.quiet)
    assert world.see(after=60, unseen=["news2"]) == []
    assert world.quiet == quiet
    assert world.see() == ["cleared"]


def test_late_findings_open_and_raise_nothing() -> None:
    world = World()
    assert world.news2(4, pages=0) == []
    assert world.episodes == []
    world.news2(2)
    assert world.news2(4, pages=2, after=1) == []
    assert world.only.severity == 2
    # But they keep standing what stands.
    world.news2(2, pages=0, after=60)
    assert world.log == ["opened"]


def test_closing_what_still_stands_holds_for_a_while() -> None:
    world = World()
    world.news2(3)
    world.close()
    assert world.news2(3, after=1) == []
    assert world.due == [NOW + AGAIN]
    assert world.news2(3, after=58) == []
    assert world.news2(3, after=1) == ["opened"]
    assert len(world.episodes) == 2


def test_closing_does_not_hide_what_gets_worse() -> None:
    world = World()
    world.news2(3)
    world.close()
    assert world.news2(4, after=1) == ["opened"]


def test_closing_does_not_hide_what_went_away_and_came_back() -> None:
    world = World()
    world.news2(3)
    world.close()
    world.see(after=1)
    assert world.news2(3, after=10) == []
    world.see(after=1)
    world.see(after=16)
    assert world.news2(3, after=1) == ["opened"]


def test_cleared_before_it_was_closed_counts_as_gone() -> None:
    world = World()
    world.news2(3)
    world.see(after=1)
    world.see(after=15)
    world.close()
    assert world.news2(3, after=2) == ["opened"]


def test_the_same_evidence_never_reopens() -> None:
    world = World()
    world.news2(3)
    at = world.now
    world.close()
    assert world.news2(4, at=at, after=1) == []
    assert world.news2(3, at=at, after=60 * 24) == []
    assert world.news2(3, at=at + minutes(1)) == ["opened"]


def test_silence_that_goes_on_is_told_again_after_a_day() -> None:
    # Silence has no newer evidence than the last reading: that it goes on is what is new.
    world = World()
    silent = made("silence", 2, evidence=(pulse(NOW - minutes(90), metric="motion"),))
    again = BEHAVIOURS["silence"].again_after
    assert world.see(silent) == ["opened"]
    world.close()
    assert world.see(silent, after=5) == []
    assert world.due == [NOW + again]
    assert world.see(silent, after=again / minutes(1) - 5) == ["opened"]


def test_closing_amid_milder_findings_forgets_them() -> None:
    # What was milder before the closing is no proof that it had gone away.
    world = World()
    world.news2(4)
    world.news2(2, after=1)
    world.close()
    world.see(after=1)
    assert world.news2(4, after=14.5) == []


def test_acknowledgement_ends_when_it_gets_worse_than_what_was_acknowledged() -> None:
    world = World()
    world.news2(2)
    world.acknowledge()
    world.news2(3, after=1)
    assert world.only.acknowledged_severity is None
    world.acknowledge()
    world.news2(2, after=1)
    world.news2(2, after=16)
    world.news2(3, after=1)
    assert world.log == ["opened", "rose", "fell", "rose"]
    assert world.only.acknowledged_severity == 3


def test_acknowledgement_ends_when_what_went_away_comes_back() -> None:
    # Closing would not have held it back either: nobody may be called less for having answered.
    world = World()
    world.news2(3)
    world.acknowledge()
    world.see(after=1)
    assert world.see(after=16) == ["cleared"]
    assert world.only.acknowledged_severity == 3
    assert world.news2(3, after=60 * 24) == ["returned"]
    assert world.only.acknowledged_severity is None


def test_life_safety_is_updated_and_never_cleared() -> None:
    world = World()
    assert world.press() == ["opened"]
    assert world.see(after=60 * 24 * 30) == []
    assert world.press(after=1) == ["updated"]
    assert world.only.summary["params"]["count"] == 2
    assert world.only.cleared_at is None


def test_another_press_takes_the_acknowledgement_away() -> None:
    world = World()
    world.press()
    world.acknowledge()
    world.press(after=0.5)
    assert world.only.acknowledged_severity == 4, "the button repeats itself"
    world.press(after=5)
    assert world.only.acknowledged_severity is None


def test_another_device_is_no_repetition() -> None:
    world = World()
    world.press(kind="smoke", device=1)
    world.acknowledge()
    world.press(kind="smoke", device=1, after=5)
    assert world.only.acknowledged_severity == 4
    world.press(kind="smoke", device=2, after=0.1)
    assert world.only.acknowledged_severity is None


def test_a_press_after_closing_opens_another_episode_at_once() -> None:
    world = World()
    world.press()
    world.close()
    assert world.press(after=0.1) == ["opened"]


def test_findings_of_one_kind_are_joined_the_worst_speaks() -> None:
    world = World()
    low = made("glucose", 2, rule="own", evidence=(pulse(NOW, 3.2),))
    severe = made("glucose", 3, rule="level", evidence=(pulse(NOW, 3.2),))
    assert world.see(low, severe) == ["opened"]
    assert world.only.summary["rule"] == "level"
    assert [other["rule"] for other in world.only.summary["others"]] == ["own"]
    assert len(world.only.evidence) == 1


def test_evidence_is_told_apart_by_metric_time_and_value() -> None:
    one, other = pulse(NOW), pulse(NOW + timedelta(microseconds=1))
    assert evidence_keys((one,)) != evidence_keys((other,))
