"""Something that truly was the matter, and which alerts it explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from alerts.backtest.memory import Happened, Replayed

Explains = Callable[[str, str], bool]
"""Whether something explains an alert of a kind and origin."""


@dataclass(frozen=True)
class Matter:
    """Something that truly was the matter with somebody, or in a home."""

    subjects: frozenset[int]
    """Whose alerts it can explain: a client, and their home."""
    name: str
    """Kind of illness, or of event."""
    onset: datetime
    ends: datetime
    explains: Explains
    crisis: datetime | None = None
    illness: bool = True
    """False: an event, or a fault of the equipment: it makes alerts true, and none has to."""
    measured: bool = True
    """Whether any sign that it moves was measured, and received, before its crisis (recovery)."""

    def true_of(self, episode: Replayed, call: Happened) -> bool:
        """Whether it explains a call."""
        return (
            episode.subject in self.subjects
            and self.onset <= call.at < self.ends
            and self.explains(episode.kind, episode.origin)
        )
