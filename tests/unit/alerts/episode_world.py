"""Episodes of one subject, kept as the database keeps them: for tests of their state machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alerts.episodes.episode import Change, Episode, Quiet
from alerts.episodes.episodes import step
from alerts.episodes.joining import Key
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
