"""Atrial fibrillation and pacemakers: what devices cannot measure is counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from alerts.assess import blood_pressure, news, thresholds
from alerts.finding import Reading
from alerts.subjects.subject import Client, Context, Limit
from tests.unit.alerts.episode_world import World
from tests.unit.alerts.making import NOW, context, findings, minutes, reading, subject, vitals


def client(condition: str = "atrial fibrillation") -> Client:
    return Client(born=date(1940, 1, 1), oxygen_prescribed=False, conditions=frozenset({condition}))


def counted(readings: list[Reading], metric: str) -> list[Reading]:
    return [one._replace(by_hand=True) if one.metric == metric else one for one in readings]


@pytest.mark.parametrize("condition", ["atrial fibrillation", "pacemaker"])
def test_what_a_device_cannot_measure_waits_for_a_count_by_hand(condition: str) -> None:
    world = World()
    fast = subject(*vitals(pulse=135.0), client=client(condition))

    def look(at: float) -> list[str]:
        world.now = NOW + minutes(at)
        said = findings(news.assess([fast], context(now=world.now)))
        assert [one.params["by_hand"] for one in said] == [["systolic", "pulse"]]
        return world.see(*said, valid=tuple(fast.newest))

    assert look(0) == []  # not scored as if it were right
    assert look(14) == []
    assert look(15) == ["opened"]  # nor dropped
    assert world.only.summary["rule"] == "count_by_hand"


def test_a_count_by_hand_is_scored_at_once() -> None:
    fast = counted(counted(vitals(pulse=135.0), "pulse"), "systolic")
    (finding,) = findings(news.assess([subject(*fast, client=client())], context()))
    assert (finding.rule, finding.pages) == ("news2_single_three", 2)
    assert "by_hand" not in finding.params
    slow = counted(counted(vitals(pulse=80.0), "pulse"), "systolic")
    assert not findings(news.assess([subject(*slow, client=client())], context()))


def test_what_is_sure_is_not_held_up_by_what_is_not() -> None:
    ill = subject(*vitals(pulse=135.0, respiratory_rate=26.0), client=client())
    said = {one.rule: one for one in findings(news.assess([ill], context()))}
    assert said.keys() == {"news2_single_three", "count_by_hand"}
    assert said["news2_single_three"].params["low"] == 3
    assert "pulse" in said["news2_single_three"].missing
    assert (said["count_by_hand"].params["low"], said["count_by_hand"].severity) == (6, 3)


def test_seven_and_more_waits_for_no_count() -> None:
    ill = subject(
        *vitals(pulse=135.0, respiratory_rate=26.0, spo2=93.0, temperature=39.5), client=client()
    )
    rules = {one.rule: one.pages for one in findings(news.assess([ill], context()))}
    assert rules["news2_high"] == 4


def test_limits_and_cuffs_are_marked() -> None:
    person = replace(client(), limits={"pulse": Limit(None, 100)})
    one = subject(reading("pulse", 120), client=person)
    (finding,) = findings(thresholds.assess([one], context()))
    assert (finding.params["by_hand"], finding.pages) == (["pulse"], 2)
    cuff = subject(reading("systolic", 190, ago=1), client=client())
    (finding,) = findings(blood_pressure.assess([cuff], context()))
    assert finding.params["by_hand"] == ["systolic"]
    other = subject(reading("systolic", 190, ago=1))
    (finding,) = findings(blood_pressure.assess([other], Context(NOW, context().rules)))
    assert "by_hand" not in finding.params
