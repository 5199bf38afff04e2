"""An episode as it is stored, and what a step of its state machine changes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from alerts.episodes.joining import Joined, Key

What = Literal["opened", "rose", "fell", "updated", "cleared", "returned", "refreshed"]
"""What happened; `refreshed` is new evidence of the same, no event."""


class Quiet(msgspec.Struct, frozen=True):
    """Since when findings have been milder than the episode, and the worst of them (0: none)."""

    since: datetime
    peak: int
    rule: str = ""
    """The rule that made the episode as it was then: its durations count."""


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode as stored: the open one of its key, or the last one closed."""

    id: int
    kind: str
    origin: str
    severity: int
    highest: int
    summary: Mapping[str, Any]
    evidence: Sequence[Mapping[str, Any]]
    cleared_at: datetime | None = None
    acknowledged_severity: int | None = None
    """What the member saw who acknowledged it; None: nobody has it."""
    acknowledged_by: int | None = None
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    """What the member recorded who closed it (alerts.handling.handling.OUTCOMES)."""

    @property
    def key(self) -> Key:
        return (self.kind, self.origin)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written."""

    what: What
    key: Key
    episode: Episode | None
    """None: it is opened."""
    severity: int
    highest: int
    cleared_at: datetime | None
    summary: Mapping[str, Any]
    joined: Joined | None
    """None: the evidence stays as it was."""
    ends_acknowledgement: bool = False


@dataclass(slots=True)
class Step:
    """The outcome for one subject."""

    changes: list[Change] = field(default_factory=list)
    quiet: dict[Key, Quiet] = field(default_factory=dict)
    beyond: dict[str, datetime] = field(default_factory=dict)
    """As alerts.episodes.standing.Held."""
    due: list[datetime] = field(default_factory=list)


def unexplained(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What clears needs no explanation any more."""
    return {name: value for name, value in summary.items() if name != "inhibited_by"}


def stored_keys(episode: Episode) -> list[tuple[str, str, float]]:
    """Its evidence as alerts.episodes.joining.evidence_keys tells it apart."""
    return [(entry["metric"], entry["time"], entry["value"]) for entry in episode.evidence]
