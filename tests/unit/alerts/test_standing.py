"""Durations, hysteresis and inhibition: what findings may do to episodes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from alerts.assess import glucose, news, thresholds
from alerts.assess.assess import assess
from alerts.episodes.episode import Episode
from alerts.rules.shipped import SHIPPED, Rules, parse_rules
from alerts.subjects.subject import Client, Context, Limit, Subject
from tests.unit.alerts.episode_world import World, stored
from tests.unit.alerts.making import NOW, minutes, reading, subject, vitals

TEXT = SHIPPED.read_text(encoding="utf-8")


def changed(**rules: str) -> Rules:
    """The shipped rules with lines added to some of them."""
    text = TEXT
    for name, lines in rules.items():
        header = f"[rules.{name}]\n"
        start = text.index(header) + len(header)
        end = text.find("\n\n", start)
        body = text[start : end if end > 0 else len(text)].rstrip("\n").splitlines()
        keys = {line.split(" = ")[0] for line in lines.splitlines()}
        body = [line for line in body if line.split(" = ")[0] not in keys]
        rest = text[end:] if end > 0 else "\n"
        text = text[:start] + "\n".join([*body, lines]) + rest
    return parse_rules(text)


class Watched:
    """One client assessed again and again by some rules."""

    def __init__(self, rules: Rules, *names: str) -> None:
        self.world = World(rules=rules)
        self._rules = rules
        every: dict[str, Callable[..., object]] = {
            "glucose": glucose.assess, "news2": news.assess, "limits": thresholds.assess,
        }  # fmt: skip
        self._assess = {name: every[name] for name in names}

    def see(self, one: Subject, at: float, *, unseen: tuple[str, ...] = ()) -> list[str]:
        """What happened to the episodes `at` minutes after NOW."""
        now = NOW + minutes(at)
        (said,) = assess([one], Context(now=now, rules=self._rules), self._assess)  # type: ignore[arg-type] # each is one of alerts.assess.RULES
        self.world.now = now
        return self.world.see(*said.findings, valid=tuple(one.newest), unseen=unseen)


def sugar(value: float, at: float) -> Subject:
    return subject(reading("glucose", value, ago=-at))


def test_between_clear_and_raise_an_alert_stands_and_none_opens() -> None:
    rules = changed(
        hypoglycaemia_level_1="raise = { glucose = 3.9 }\nclear = { glucose = 4.5, for_min = 0 }"
    )
    watched = Watched(rules, "glucose")
    assert watched.see(sugar(4.2, 0), 0) == []  # not low enough to open one
    assert watched.see(sugar(3.6, 5), 5) == ["opened"]
    assert watched.see(sugar(4.2, 10), 10) == []  # not high enough to clear
    assert watched.see(sugar(4.4, 60), 60) == []
    assert watched.world.only.summary["params"]["value"] == 3.6  # it still says what was low
    assert watched.see(sugar(4.5, 65), 65) == ["cleared"]
    assert watched.see(sugar(4.2, 70), 70) == []  # nor to return
    assert watched.see(sugar(3.8, 75), 75) == ["returned"]


def test_lower_holds_the_severity_until_its_own_limit() -> None:
    rules = changed(
        hypoglycaemia_level_2="raise = { glucose = 3.0 }\nlower = { glucose = 3.3, for_min = 10 }"
    )
    watched = Watched(rules, "glucose")
    assert watched.see(sugar(2.8, 0), 0) == ["opened"]
    assert watched.see(sugar(3.2, 5), 5) == []  # level 1 by itself, held at level 2
    assert watched.see(sugar(3.2, 55), 55) == []
    assert watched.see(sugar(3.5, 60), 60) == []  # begins to be milder
    assert watched.see(sugar(3.5, 70), 70) == ["fell"]
    assert watched.world.only.severity == 3


def test_a_limit_must_be_passed_for_as_long_as_it_says() -> None:
    rules = changed(client_limit="raise = { for_min = 20 }")
    person = Client(born=NOW.date().replace(year=1940), limits={"pulse": Limit(None, 100)})

    def pulse(value: float, at: float) -> Subject:
        return subject(reading("pulse", value, ago=-at), client=person)

    watched = Watched(rules, "limits")
    assert watched.see(pulse(110, 0), 0) == []
    assert watched.world.due == [NOW + minutes(20)]
    assert watched.see(pulse(110, 10), 10, unseen=("limit",)) == []
    assert watched.see(pulse(95, 15), 15) == []  # back: it begins anew
    assert watched.see(pulse(110, 20), 20) == []
    assert watched.see(pulse(112, 39), 39) == []
    assert watched.see(pulse(112, 40), 40) == ["opened"]


def test_what_was_not_looked_at_goes_on_lasting() -> None:
    rules = changed(client_limit="raise = { for_min = 20 }")
    person = Client(born=NOW.date().replace(year=1940), limits={"pulse": Limit(None, 100)})
    watched = Watched(rules, "limits")
    high = subject(reading("pulse", 110), client=person)
    assert watched.see(high, 0) == []
    nothing = Subject(id=1)
    assert watched.see(nothing, 10, unseen=("limit",)) == []
    assert watched.see(high, 20) == ["opened"]


def test_a_rule_inhibits_kinds_no_more_severe_while_it_speaks() -> None:
    rules = changed(news2_medium='raise = { total = 5 }\ninhibits = ["limit", "spo2"]')
    limits = {"pulse": Limit(None, 100), "spo2": Limit(93, None)}
    person = Client(born=NOW.date().replace(year=1940), oxygen_prescribed=False, limits=limits)
    watched = Watched(rules, "news2", "limits")
    ill = subject(*vitals(pulse=125.0, spo2=92.0, respiratory_rate=22.0), client=person)
    watched.see(ill, 0)
    assert {one.kind for one in watched.world.open} == {"news2"}
    # Once the score is milder than the rule's, what it hid comes out.
    better = subject(*vitals(pulse=105.0, spo2=92.0), client=person)
    watched.see(better, 1)
    assert {one.kind for one in watched.world.open} == {"news2"}  # still open at its severity
    watched.see(better, 17)
    assert watched.see(better, 18) == ["opened", "opened"]
    assert {one.kind for one in watched.world.open} == {"news2", "limit", "spo2"}


def test_what_is_more_severe_or_never_filtered_is_not_inhibited() -> None:
    rules = changed(spo2_above_range='inhibits = ["news2", "limit"]')
    person = Client(born=NOW.date().replace(year=1940), limits={"spo2": Limit(88, 92)})
    worse = subject(*vitals(spo2=96.0, oxygen_flow=2.0, pulse=135.0, respiratory_rate=26.0))
    worse.client = person
    watched = Watched(rules, "news2", "limits")
    watched.see(worse, 0)
    assert {one.kind for one in watched.world.open} == {"news2", "spo2"}
    beyond = subject(
        reading("spo2", 96), reading("oxygen_flow", 2), reading("pulse", 30, qualifier=-1)
    )
    beyond.client = person
    held = World(rules=rules)
    said = [
        *thresholds.assess([beyond], Context(now=NOW, rules=rules)),
        *thresholds.assess_meters([beyond], Context(now=NOW, rules=rules)),
    ]
    held.see(*(finding for _, finding in said), valid=tuple(beyond.newest))
    assert {one.kind for one in held.open} == {"spo2", "limit"}


@pytest.mark.parametrize(
    ("second", "at", "opens"),
    [(120.0, 10, "opened"), (None, 10, None), (None, 15, "opened"), (70.0, 15, None)],
)
def test_any_rule_may_ask_for_a_repeat(second: float | None, at: float, opens: str | None) -> None:
    rules = changed(news2_medium="raise = { total = 5 }\nconfirm_within_min = 15")
    watched = Watched(rules, "news2")
    ill = {"respiratory_rate": 22.0, "spo2": 95.0}
    assert watched.see(subject(*vitals(pulse=120.0, **ill)), 0) == []
    readings = vitals(pulse=120.0, **ill)
    if second is not None:
        readings.append(reading("pulse", second, ago=-at))
    assert watched.see(subject(*readings), at) == ([opens] if opens else [])
    for one in watched.world.open:
        assert one.summary["params"]["confirmed"] == (second is not None)


def test_a_repeat_is_not_asked_for_at_seven_and_more() -> None:
    rules = changed(news2_medium="raise = { total = 5 }\nconfirm_within_min = 15")
    watched = Watched(rules, "news2")
    assert watched.see(subject(*vitals(pulse=135.0, respiratory_rate=26.0, spo2=93.0)), 0) == [
        "opened"
    ]
    assert watched.world.only.severity == 4


def test_a_client_may_have_a_rule_of_their_own() -> None:
    rules = changed()
    one = sugar(4.2, 0)
    mine = changed(hypoglycaemia_level_1="raise = { glucose = 4.5 }")["hypoglycaemia_level_1"]
    one.rules = {mine.id: mine}
    (finding,) = [f for _, f in glucose.assess([one], Context(now=NOW, rules=rules))]
    assert finding.params["limit"] == 4.5
    assert not list(glucose.assess([sugar(4.2, 0)], Context(now=NOW, rules=rules)))
    assert rules.adjusted({mine.id: mine})["hypoglycaemia_level_1"] is mine


def test_an_episode_of_a_rule_that_is_gone_falls_by_its_kinds_time() -> None:
    world = World()
    evidence = stored((reading("pulse", 140),))
    gone = {"rule": "gone", "key": "gone", "params": {}, "missing": [], "others": []}
    world.episodes.append(Episode(0, "news2", "", 3, 3, gone, evidence))
    assert world.see(after=1) == []
    assert world.see(after=15) == ["cleared"]
    assert isinstance(world.now, datetime)
    assert world.now - NOW == timedelta(minutes=16)
