"""A batch of messages on its way into the database: columns, not objects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.wire import Status
from ingest.decoders.record import Record
from ingest.definitions import Learned

ROW = np.dtype(
    [
        ("time", "i8"), ("received_at", "i8"), ("value", "f8"), ("device", "i4"),
        ("subject", "i4"), ("metric", "i2"), ("qualifier", "i2"), ("state", "i2"),
        ("message", "i4"), ("record", "i4"), ("call", "?"), ("at_arrival", "?"),
    ]
)  # fmt: skip
"""One admitted reading. Times are microseconds since 1970; `message` and `record` are places in the
batch's lists; `call` marks a life-safety event that is on, `at_arrival` a time that is the
arrival's or reckoned from it."""


class Origin(NamedTuple):
    """What is known of a message besides its readings."""

    gateway: str
    """As on the topic."""
    gateway_id: int
    """0: nobody's."""
    topic: str
    size: int
    arrival: int
    """Microseconds since 1970."""
    boot: str | None = None
    seq: int | None = None
    counted: bool = True
    """Whether it is to be entered into the ledger; not when it was before."""

    @property
    def ledger(self) -> tuple[int, str] | None:
        """Key in `telemetry.received`; None for a source that does not count its messages.

        A gateway that nobody knows is counted under number 0, its name before the boot.
        """
        if self.boot is None or self.seq is None or "\0" in self.gateway or not self.counted:
            return None
        if self.gateway_id:
            return self.gateway_id, self.boot
        return 0, f"{self.gateway[:64]}/{self.boot}"


class Refused(NamedTuple):
    """A record, or a whole message, that is kept with its reason instead of being stored."""

    message: int
    record: Record | None
    reason: str
    sentence: str
    payload: bytes | None = None


class StatusChange(NamedTuple):
    """A known gateway's announcement."""

    message: int
    gateway: int
    status: Status
    retained: bool


class Told(NamedTuple):
    """What a message told of how to read later ones."""

    message: int
    learned: Learned


class ClockFault(NamedTuple):
    """A device's time that cannot be true."""

    message: int
    device: int
    fault: str
    seconds: float
    """Added to it; of one that was refused, what would have made it the arrival's."""
    time: float
    """What the device said, Unix seconds."""
    record: int | None = None
    """Place in the batch's records of what is stored with the corrected time; None: refused."""


@dataclass
class Batch:
    """Messages decoded and admitted, to be stored in one transaction."""

    messages: list[Origin] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    rows: NDArray[np.void] = field(default_factory=lambda: np.empty(0, dtype=ROW))
    refused: list[Refused] = field(default_factory=list)
    statuses: list[StatusChange] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    clocks: list[ClockFault] = field(default_factory=list)
    digests: list[tuple[int, bytes]] = field(default_factory=list)
    """Of messages with calls that are known by their arrival alone (`copies.digest`)."""

    def part(self, first: int, last: int) -> Batch:
        """The messages from `first` to before `last`."""
        rows = self.rows[(self.rows["message"] >= first) & (self.rows["message"] < last)].copy()
        rows["message"] -= first
        return Batch(
            self.messages[first:last],
            self.records,
            rows,
            [
                one._replace(message=one.message - first)
                for one in self.refused
                if first <= one.message < last
            ],
            [
                one._replace(message=one.message - first)
                for one in self.statuses
                if first <= one.message < last
            ],
            [
                one._replace(message=one.message - first)
                for one in self.told
                if first <= one.message < last
            ],
            [
                one._replace(message=one.message - first)
                for one in self.clocks
                if first <= one.message < last
            ],
            [
                (message - first, digest)
                for message, digest in self.digests
                if first <= message < last
            ],
        )

    def without(self, rows: NDArray[np.bool_], reason: str, sentence: str) -> Batch:
        """The batch with `rows` refused for `reason` instead of stored."""
        gone = self.rows[rows]
        return replace(
            self,
            rows=self.rows[~rows],
            refused=[
                *self.refused,
                *(
                    Refused(int(row["message"]), self.records[row["record"]], reason, sentence)
                    for row in gone
                ),
            ],
        )
