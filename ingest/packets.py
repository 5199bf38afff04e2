"""PUBLISH and PUBACK of MQTT 3.1.1 and 5, read and written by the thousand.

paho stays the client: it connects, subscribes, publishes and keeps alive, and is handed every other
packet. But for a message it makes some ten objects and takes four locks, ten times what the packet
itself costs, and messages are nearly all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_PUBLISH = 0x30
_QOS_TWO = 0x04
_QOS_ONE = 0x02
_DUP = 0x08
_RETAIN = 0x01


class Publish(NamedTuple):
    """A message as the broker delivered it, at QoS 0 or 1."""

    topic: str
    """Empty where it is no UTF-8."""
    payload: bytes
    mid: int
    """The packet's identifier; 0 at QoS 0, which is not acknowledged."""
    retain: bool
    dup: bool


def publishes(data: bytes, place: int, *, five: bool) -> tuple[list[Publish], int]:
    """The PUBLISH packets in `data` from `place` on, and where they end: at a packet of another
    kind, at one that is not all there, or at one that cannot be read.

    `five`: the connection speaks MQTT 5, in which packets have properties (which are passed over).
    """
    found: list[Publish] = []
    size = len(data)
    while place + 2 <= size:
        first = data[place]
        if first & 0xF0 != _PUBLISH or first & _QOS_TWO:
            break
        length, at = data[place + 1], place + 2
        if length & 0x80:
            longer = _number(data, place + 1, size)
            if longer is None:
                break
            length, at = longer
        end = at + length
        if end > size or length < 2:
            break
        topic_end = at + 2 + (data[at] << 8 | data[at + 1])
        body, mid = topic_end, 0
        if first & _QOS_ONE:
            body += 2
            if body > end:
                break
            mid = data[topic_end] << 8 | data[topic_end + 1]
        if five:
            properties = _number(data, body, end)
            if properties is None:
                break
            body = properties[0] + properties[1]
        if body > end:
            break
        topic = _text(data[at + 2 : topic_end])
        found.append(Publish(topic, data[body:end], mid, bool(first & _RETAIN), bool(first & _DUP)))
        place = end
    return found, place


def packet_end(data: bytes, place: int) -> int | None:
    """Where the packet that begins at `place` ends; None: not in what is there."""
    if place + 2 > len(data):
        return None
    length = _number(data, place + 1, len(data))
    if length is None:  # five bytes of a length are one too many: its reader will say so
        return len(data) if place + 5 <= len(data) else None
    end = length[0] + length[1]
    return end if end <= len(data) else None


def acknowledgements(mids: Sequence[int]) -> bytes:
    """PUBACK packets that say of these messages that they are ours now."""
    return b"".join([b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids])


def _number(data: bytes, place: int, limit: int) -> tuple[int, int] | None:
    """A variable byte integer and where it ends (MQTT 5, 1.5.5); None where it is not whole before
    `limit`, or longer than four bytes."""
    number = 0
    for position in range(4):
        if place + position >= limit:
            return None
        byte = data[place + position]
        number |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return number, place + position + 1
    return None


@lru_cache(maxsize=65_536)
def _text(topic: bytes) -> str:
    try:
        return topic.decode()
    except UnicodeDecodeError:
        return ""
