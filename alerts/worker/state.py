"""What the engine remembers of a subject between two looks; stored as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from alerts.episodes.episode import Quiet, Step
from alerts.episodes.joining import Key
from alerts.silence.outages import Outage


class State(msgspec.Struct, omit_defaults=True):
    """`alerts.subject_state.state`."""

    quiet: dict[str, Quiet] = {}
    """By kind and origin, parted by a space: since when findings have been milder."""
    beyond: dict[str, datetime] = {}
    """As alerts.episodes.standing.Held: since when rules that must last have found what they
    find."""
    awaited: frozenset[str] = frozenset()
    """Metrics of alerts.subjects.subject.SLOW to be read at every look: something waits for
    them."""
    heard: dict[str, datetime] = {}
    """By device: its last reading, or since when it has been listened for."""
    outage: Outage | None = None
    """Of an area that is out."""
    silence_at: datetime | None = None
    """When to look at its devices again."""
    retry: tuple[datetime, datetime] | None = None
    """Times of readings of which an assessment failed, to be gone through again."""

    @classmethod
    def read(cls, stored: Any) -> State:
        """From what the database holds.

        Raises:
            msgspec.ValidationError: it is no state of this version's.
        """
        return msgspec.convert(stored, cls, str_keys=True) if stored else cls()

    def write(self) -> str:
        """As the database holds it."""
        return _encoder.encode(self).decode()

    def quiet_by_key(self) -> dict[Key, Quiet]:
        """The memory of the episodes' state machine."""
        return {_key(name): quiet for name, quiet in self.quiet.items()}

    def remember(self, outcome: Step) -> None:
        """Keep what the state machine returned."""
        quiet = outcome.quiet
        self.quiet = {f"{kind} {origin}": value for (kind, origin), value in quiet.items()}
        self.beyond = outcome.beyond


_encoder = msgspec.json.Encoder()


def _key(name: str) -> Key:
    kind, _, origin = name.partition(" ")
    return kind, origin
