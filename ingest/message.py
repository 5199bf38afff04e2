"""A message as the broker delivered it, and what is made of it before the registry is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from core.wire import MAX_NAME, Status, Topic, decode_status, parse_topic
from ingest.decoders import SOURCES, decode
from ingest.decoders.record import Decoded, DecodeError
from ingest.definitions import Definitions, Learned

_GATEWAY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_topic = lru_cache(maxsize=65_536)(parse_topic)


class Message(msgspec.Struct, gc=False):
    """A PUBLISH packet."""

    topic: str
    payload: bytes
    arrival: int
    """Microseconds since 1970 by the service's clock; no two messages have the same."""
    retained: bool = False
    """Sent because of the subscription: it may be old, and it may have come before."""
    mid: int = 0
    """The packet's identifier; 0 at QoS 0, which is not acknowledged."""
    connection: Any = None
    """The connection on which alone it can be acknowledged."""
    stored: bool = False
    """Committed, but not acknowledged: its connection was lost before."""


class Understood(msgspec.Struct, gc=False):
    """A message after decoding: one of `decoded`, `error` and `status` is set, or none of them
    where there is nothing to keep."""

    message: Message
    gateway: str
    topic: Topic | None
    decoded: Decoded | None = None
    error: DecodeError | None = None
    status: Status | None = None
    learned: Learned | None = None
    """What it tells of later messages, where that is new."""
    unlearned: DecodeError | None = None
    """Why that was not learned."""


def learners(messages: Iterable[Message]) -> set[str]:
    """The gateways whose definitions must have been loaded before these are understood."""
    topics = (_topic(message.topic) for message in messages)
    return {one.gateway for one in topics if one and _learns(one.source) and registrable(one[0])}


@lru_cache(maxsize=1_024)
def _learns(source: str) -> bool:
    return source in SOURCES and SOURCES[source].learns


def understand(message: Message, definitions: Definitions) -> Understood:
    """Decode a message by what earlier ones have told, and learn what it tells; never raises."""
    topic = _topic(message.topic)
    if topic is None:
        name = message.topic.split("/", 3)[2] if message.topic.count("/") >= 2 else ""
        error = DecodeError(
            "bad_topic",
            "The topic is not of the form saimi/v1/<gateway>/<source>/…, so nobody can tell what "
            "the message is.",
        )
        return Understood(message, name, None, error=error)
    gateway, source, rest = topic
    if source == "down":  # what Saimi itself told a gateway
        return Understood(message, gateway, topic)
    if source == "status" and not rest:
        return _status(message, topic)
    known = definitions.known(gateway, source)
    try:
        decoded = decode(source, rest, message.payload, message.arrival / 1e6, known)
    except DecodeError as error:
        return Understood(message, gateway, topic, error=error)
    understood = Understood(message, gateway, topic, decoded=decoded)
    if decoded.learned:
        try:
            understood.learned = definitions.learn(
                gateway, source, decoded.learned, message.arrival
            )
        except DecodeError as error:
            understood.unlearned = error
    return understood


def _status(message: Message, topic: Topic) -> Understood:
    if not message.payload:  # a retained status taken back
        return Understood(message, topic.gateway, topic)
    try:
        status = decode_status(message.payload)
        if len(status.boot) > MAX_NAME or not 0 <= status.seq < 2**62 or "\0" in status.boot:
            raise ValueError
    except (msgspec.MsgspecError, ValueError, RecursionError):
        error = DecodeError("bad_status", "The gateway's announcement cannot be read.")
        return Understood(message, topic.gateway, topic, error=error)
    return Understood(message, topic.gateway, topic, status=status)


@lru_cache(maxsize=65_536)
def registrable(gateway: str) -> bool:
    """Whether a gateway could be registered under the name at all."""
    return len(gateway) <= MAX_NAME and _GATEWAY.fullmatch(gateway) is not None
