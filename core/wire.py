"""What gateways and ingest say to each other over MQTT, besides readings themselves.

    saimi/v1/<gateway>/<source>/<rest>    readings, gateway to Saimi
    saimi/v1/<gateway>/status             heartbeat and last will, gateway to Saimi, retained
    saimi/v1/<gateway>/down/receipt       what is committed, Saimi to gateway
    saimi/v1/<gateway>/down/message       to show or speak at home, Saimi to gateway

Saimi's own source is `senml`: RFC 8428 packs whose first record carries two extension fields,
`boot` (identifier of the gateway's boot) and `seq` (1, 2, 3, … without gaps per boot). A third,
`made`, is when the gateway made the pack by its own clock, Unix seconds: it bounds the times of
devices whose own clocks are wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

PREFIX = "saimi/v1"
SUBSCRIPTION = f"{PREFIX}/+/#"
SENML = "senml"
MAX_NAME = 64
"""Longest gateway name, device name, boot identifier, in characters."""


class Topic(NamedTuple):
    """A topic of Saimi's taken apart; `rest` may be empty."""

    gateway: str
    source: str
    rest: str


def parse_topic(topic: str) -> Topic | None:
    """Take a topic apart; None if it is not one of Saimi's."""
    parts = topic.split("/", 4)
    if len(parts) < 4 or parts[0] != "saimi" or parts[1] != "v1" or not parts[2] or not parts[3]:
        return None
    return Topic(parts[2], parts[3], parts[4] if len(parts) == 5 else "")


def readings_topic(gateway: str, source: str = SENML, rest: str = "") -> str:
    """Where `gateway` publishes what `source` says."""
    return f"{PREFIX}/{gateway}/{source}" + (f"/{rest}" if rest else "")


def status_topic(gateway: str) -> str:
    """Where `gateway` announces itself."""
    return f"{PREFIX}/{gateway}/status"


def receipt_topic(gateway: str) -> str:
    """Where Saimi tells `gateway` what is committed."""
    return f"{PREFIX}/{gateway}/down/receipt"


def message_topic(gateway: str) -> str:
    """Where Saimi says something to whoever is at home."""
    return f"{PREFIX}/{gateway}/down/message"


class Status(msgspec.Struct, omit_defaults=True):
    """A gateway's heartbeat; as its last will only `online` is sent."""

    online: bool
    boot: str = ""
    seq: int = 0
    """Highest `seq` given out in this boot: what ingest may expect to have received."""
    time: float | None = None
    """The gateway's own clock, Unix seconds."""


class Receipt(msgspec.Struct):
    """The `seq` ranges of one boot that are in the database for good; both ends included."""

    boot: str
    ranges: list[tuple[int, int]]

    def covers(self, seq: int) -> bool:
        """Whether `seq` is committed."""
        return any(first <= seq <= last for first, last in self.ranges)


class HomeMessage(msgspec.Struct):
    """Something for the gateway to show or speak at home. QoS 1, not retained."""

    key: str
    """The same for a repeat of the same message."""
    what: str
    """help_coming: somebody is on the way; call_coming: somebody will ring."""
    text: str
    """In `language`; names nobody."""
    language: str
    """fi, sv or en."""
    expires: float
    """Unix seconds, after which it is not to be said any more."""
    repeat: bool = False
    """An earlier one of the same key may have arrived."""


def merge_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join ranges (both ends included) that overlap or touch, in ascending order."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


encode = msgspec.json.Encoder().encode
decode_status = msgspec.json.Decoder(Status).decode
decode_receipt = msgspec.json.Decoder(Receipt).decode
decode_home_message = msgspec.json.Decoder(HomeMessage).decode
