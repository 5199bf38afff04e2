"""What a decoder gives back, whatever the source was."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import msgspec

from core.errors import SaimiError

MAX_PAYLOAD = 1024 * 1024
"""Bytes; a longer message is no reading of a home and is not decoded."""
MAX_RECORDS = 10_000
"""Most records a message may hold."""


class Channel(NamedTuple):
    """One metric of one device in one unit, as named on the wire; shared between records."""

    device: str
    metric: str
    unit: str | None


class Record(msgspec.Struct, frozen=True, gc=False):
    """One value that a message claims was measured."""

    channel: Channel
    value: float | str | None
    """A number; booleans are 0 and 1. A text or None (data, a sum) where there is no number."""
    time: float
    """Unix seconds by the device's clock, or reckoned from the arrival."""
    qualifier: int = 0
    """A `core.reading.Qualifier`."""
    dated: bool = True
    """Whether the message itself says when: else `time` is another when it is delivered again."""
    user: int | None = None
    """Whose it is by a shared device's own user index, from 1; 0: the device does not know."""
    suspect: bool = False
    """The device itself doubts it (IEEE 11073 measurement status: movement, poor contact)."""
    original: str | None = None
    """Set where this is no reading yet, because Saimi has no metric for it or cannot tell what it
    is worth: what the source said, as its decoder can read it again (`source.Source.again`). It
    is kept with the rejected, under a name that is no metric's."""

    def shown(self) -> dict[str, Any]:
        """As it is kept with the rejected."""
        entry: dict[str, Any] = {"device": self.channel.device, "metric": self.channel.metric}
        entry |= {"value": self.value, "unit": self.channel.unit}
        entry["time"] = self.time
        if self.qualifier:
            entry["qualifier"] = self.qualifier
        if not self.dated:
            entry["dated"] = False
        if self.user is not None:
            entry["user"] = self.user
        if self.suspect:
            entry["suspect"] = True
        if self.original is not None:
            entry["original"] = self.original
        return entry


def hidden(entry: dict[str, Any]) -> Record:
    """The record that `Record.shown` made `entry` of."""
    value, time = entry.get("value"), entry.get("time")
    return Record(
        Channel(str(entry["device"]), str(entry["metric"]), entry.get("unit")),
        float(value) if isinstance(value, int) else value,
        math.nan if time is None else float(time),  # JSON has no number for such a time
        int(entry.get("qualifier", 0)),
        bool(entry.get("dated", True)),
        entry.get("user"),
        bool(entry.get("suspect", False)),
        entry.get("original"),
    )


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """A message understood."""

    records: list[Record] = []
    boot: str | None = None
    """With `seq`: which message of the gateway's this is; None where the source does not count."""
    seq: int | None = None
    made: float | None = None
    """When the gateway made the message by its own clock, Unix seconds: nothing in it was measured
    later. None where it does not say."""
    nothing: str = ""
    """What the message is instead, where it is understood to hold no readings."""
    learned: dict[str, Any] = {}
    """What later messages of the same gateway and source must be read with: plain data by a key of
    the source's own, None to forget the key. Kept with the readings, in the same transaction."""


class DecodeError(SaimiError):
    """A message cannot be understood; `reason` is a code, the text one sentence for a person."""

    def __init__(
        self, reason: str, sentence: str, boot: str | None = None, seq: int | None = None
    ) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.boot = boot
        """With `seq`: which message it is, where that much could be read."""
        self.seq = seq
