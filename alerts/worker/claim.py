"""What one transaction of the alert worker has taken on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from alerts.worker.load import Range
from alerts.worker.state import State


@dataclass(slots=True)
class Claim:
    """What a transaction has taken on."""

    ranges: dict[int, Range] = field(default_factory=dict)
    """By subject: the times of what is new."""
    each: set[int] = field(default_factory=set)
    """Of whom there may be new readings of metrics of which each counts."""
    due: set[int] = field(default_factory=set)
    states: dict[int, State] = field(default_factory=dict)
    due_at: dict[int, datetime | None] = field(default_factory=dict)
    stored: dict[int, str] = field(default_factory=dict)
    """States as they were read, by subject: one that stays the same is not written again."""
    broken: dict[int, Exception] = field(default_factory=dict)
    """Subjects whose state could not be read; it starts afresh."""
    full: bool = False
    """It took as many notes, or due subjects, as are taken at once."""

    @property
    def subjects(self) -> list[int]:
        return sorted(self.ranges.keys() | self.due)

    def widen(self, subject: int, since: datetime, until: datetime, *, each: bool = True) -> None:
        """Add a range of times to what is new of a subject."""
        known = self.ranges.get(subject)
        if known is not None:
            since, until = min(since, known[0]), max(until, known[1])
        self.ranges[subject] = (since, until)
        if each:
            self.each.add(subject)
