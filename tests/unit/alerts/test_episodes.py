"""The state machine of episodes: each of its rules, then all of them under random histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alerts.episodes.episode import Change, Episode, Quiet
from alerts.episodes.episodes import step
from alerts.episodes.joining import Key, evidence_keys
from alerts.finding import Finding, Reading, rfc3339
from alerts.rules.shipped import Rules, shipped_rules
from tests.unit.alerts.making import NOW, minutes

RULES = shipped_rules()
BEHAVIOURS = RULES.behaviours
LOWER = BEHAVIOURS["news2"].lower_after
AGAIN = BEHAVIOURS["news2"].again_after


def pulse(at: datetime, value: float = 135, device: int = 1, metric: str = "pulse") -> Reading:
    return Reading(metric, value, at, at, device)


@dataclass
class World:
    """Episodes of one subject, kept as the database keeps them."""

    rules: Rules = RULES
    now: datetime = NOW
    episodes: list[Episode] = field(default_factory=list)
    quiet: dict[Key, Quiet] = field(default_factory=dict)
    beyond: dict[str, datetime] = field(default_factory=dict)
    due: list[datetime] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def open(self) -> list[Episode]:
        return [one for one in self.episodes if one.closed_at is None]

    @property
    def only(self) -> Episode:
        (one,) = self.open
        return one

    def see(
        self,
        *findings: Finding,
        after: float = 0,
        valid: Sequence[str] = ("pulse",),
        unseen: Sequence[str] = (),
    ) -> list[str]:
        """Assess `after` minutes later; what happened to the episodes."""
        self.now += minutes(after)
        outcome = step(
            self.now,
            findings,
            open_episodes=self.open,
            closed_episodes=[one for one in self.episodes if one.closed_at is not None],
            quiet=self.quiet,
            valid=set(valid),
            rules=self.rules,
            beyond=self.beyond,
            unseen=set(unseen),
        )
        self.quiet, self.beyond, self.due = outcome.quiet, outcome.beyond, outcome.due
        for change in outcome.changes:
            self._apply(change)
        happened = [change.what for change in outcome.changes if change.what != "refreshed"]
        self.log += happened
        return list(happened)

    def news2(
        self,
        severity: int,
        *,
        after: float = 0,
        pages: int | None = None,
        at: datetime | None = None,
        valid: Sequence[str] = ("pulse",),
    ) -> list[str]:
        """Assess with a NEWS2 finding whose evidence is new (or of the time `at`)."""
        self.now += minutes(after)
        evidence = (pulse(at or self.now),)
        return self.see(made("news2", severity, pages=pages, evidence=evidence), valid=valid)

    def press(self, *, after: float = 0, device: int = 1, kind: str = "help") -> list[str]:
        """Assess with a new life-safety event."""
        self.now += minutes(after)
        return self.see(
            made(kind, 4, evidence=(pulse(self.now, 1, device, kind),), params={"count": 1})
        )

    def acknowledge(self) -> None:
        one = self.only
        self._put(one, replace(one, acknowledged_severity=one.severity))

    def close(self, outcome: str | None = None) -> None:
        one = self.only
        closed = replace(one, closed_at=self.now, acknowledged_severity=None, outcome=outcome)
        self._put(one, closed)

    def _put(self, old: Episode, new: Episode) -> None:
        self.episodes[self.episodes.index(old)] = new

    def _apply(self, change: Change) -> None:
        evidence = stored(change.joined.evidence) if change.joined else None
        if change.episode is None:
            kind, origin = change.key
            values: dict[str, Any] = {"summary": change.summary, "evidence": evidence or []}
            self.episodes.append(
                Episode(len(self.episodes), kind, origin, change.severity, change.highest, **values)
            )
            return
        old = change.episode
        if evidence is not None and change.what == "updated":
            evidence += old.evidence
        new = replace(
            old,
            severity=change.severity,
            highest=change.highest,
            summary=change.summary,
            evidence=old.evidence if evidence is None else evidence,
            cleared_at=old.cleared_at if change.what == "refreshed" else change.cleared_at,
        )
        if change.ends_acknowledgement:
            new = replace(new, acknowledged_severity=None)
        self._put(old, new)


def made(
    kind: str,
    severity: int,
    *,
    pages: int | None = None,
    evidence: tuple[Reading, ...] = (),
    params: dict[str, Any] | None = None,
    points: dict[str, list[int]] | None = None,
    rule: str = "r",
) -> Finding:
    return Finding(
        kind=kind,
        rule=rule,
        severity=severity,
        pages=severity if pages is None else pages,
        key=kind,
        params=params or {},
        evidence=evidence,
        points=points or {},
    )


def stored(evidence: tuple[Reading, ...]) -> list[Any]:
    return [
        {
            "metric": one.metric,
            "value": one.value,
            "time": rfc3339(one.time),
            "device_id": one.device,
        }
        for one in evidence
    ]


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


class AnyHistory(RuleBasedStateMachine):
    """Random findings, readings that go missing, acknowledgements and closings."""

    @initialize()
    def start(self) -> None:
        self.world = World()
        self.paged: list[datetime] = []
        self.events = 0

    @rule(
        after=st.sampled_from([0.5, 1, 5, 16, 61, 1500]),
        severity=st.integers(1, 4),
        late=st.booleans(),
        new=st.booleans(),
        valid=st.sampled_from([(), ("pulse",)]),
    )
    def find(
        self, after: float, severity: int, late: bool, new: bool, valid: tuple[str, ...]
    ) -> None:
        world = self.world
        before = {one.id: one for one in world.open}
        at = None if new or not world.episodes else datetime.fromisoformat(self._newest())
        world.news2(severity, after=after, pages=0 if late else severity, at=at, valid=valid)
        for one in world.open:
            if late:
                assert one.id in before, "a late measurement opened an episode"
                assert one.severity <= before[one.id].severity, "a late measurement raised it"
            elif one.kind == "news2" and one.cleared_at is None:
                assert one.severity >= severity, "a timely finding is not shown"

    @rule(after=st.sampled_from([0.5, 16, 61]), valid=st.sampled_from([(), ("pulse",)]))
    def find_nothing(self, after: float, valid: tuple[str, ...]) -> None:
        before = list(self.world.open)
        self.world.see(after=after, valid=valid)
        if not valid:
            assert [(one.severity, one.cleared_at) for one in self.world.open] == [
                (one.severity, one.cleared_at) for one in before
            ], "missing values changed an episode"

    @rule(after=st.sampled_from([0.1, 2, 90]), device=st.integers(1, 2))
    def press(self, after: float, device: int) -> None:
        self.world.press(after=after, device=device)
        self.events += 1
        assert [one for one in self.world.open if one.kind == "help"], "a call is not shown"

    @rule(kind=st.sampled_from(["news2", "help"]))
    def acknowledge(self, kind: str) -> None:
        self._handle(kind, lambda one: replace(one, acknowledged_severity=one.severity))

    @rule(kind=st.sampled_from(["news2", "help"]))
    def close(self, kind: str) -> None:
        now = self.world.now
        self._handle(kind, lambda one: replace(one, closed_at=now, acknowledged_severity=None))

    def _handle(self, kind: str, change: Any) -> None:
        for place, one in enumerate(self.world.episodes):
            if one.closed_at is None and one.kind == kind:
                self.world.episodes[place] = change(one)

    def _newest(self) -> str:
        entries = [entry["time"] for one in self.world.episodes for entry in one.evidence]
        return max(entries, default=rfc3339(self.world.now))

    @invariant()
    def one_open_episode_a_key(self) -> None:
        keys = [one.key for one in self.world.open]
        assert len(keys) == len(set(keys))

    @invariant()
    def severities_make_sense(self) -> None:
        for one in self.world.episodes:
            assert 1 <= one.severity <= one.highest <= 4
            assert one.acknowledged_severity is None or one.severity <= one.acknowledged_severity

    @invariant()
    def every_call_is_counted(self) -> None:
        counts = [
            one.summary["params"]["count"] for one in self.world.episodes if one.kind == "help"
        ]
        assert sum(counts) == self.events

    @invariant()
    def times_to_look_again_lie_ahead(self) -> None:
        assert all(at > self.world.now for at in self.world.due)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_evidence_is_told_apart_by_metric_time_and_value() -> None:
    one, other = pulse(NOW), pulse(NOW + timedelta(microseconds=1))
    assert evidence_keys((one,)) != evidence_keys((other,))
