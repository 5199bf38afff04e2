"""The state machine of episodes under random histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alerts.finding import rfc3339
from tests.unit.alerts.episode_world import (
    World,
)


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
