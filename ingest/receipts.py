"""Tells gateways what is in the database for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.wire import Receipt, encode, receipt_topic
from ingest.message import registrable


class Publisher(Protocol):
    """Where receipts go; what waits under the same key may be replaced."""

    def publish(self, key: object, topic: str, payload: bytes) -> None: ...

    def flush(self) -> None: ...


def send_receipts(
    publisher: Publisher, committed: Mapping[tuple[str, str], Sequence[tuple[int, int]]]
) -> None:
    """Publish what is committed of each gateway's boot; call only after the commit.

    A receipt says everything committed so far (within a bound), so the next one makes good for one
    that is lost, and the newest may take the place of one that waits.
    """
    for (gateway, boot), ranges in committed.items():
        if registrable(gateway):
            receipt = encode(Receipt(boot, list(ranges)))
            publisher.publish((gateway, boot), receipt_topic(gateway), receipt)
    publisher.flush()
