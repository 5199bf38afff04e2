"""Whose messages are taken next when more wait than are taken: gateways in turn."""

from __future__ import annotations

from collections import Counter, deque
from functools import lru_cache

from ingest.message import Message


def take_in_turn(queue: deque[Message], most: int, most_bytes: int) -> list[Message]:
    """Take up to `most` messages (and about `most_bytes`) off `queue`, in the order they came.

    While more wait than that, each gateway gets an equal share of the messages and of the bytes
    that are taken, so the flood of one does not hold up the others, be it of many messages or of
    large ones; what one leaves of its share goes to the others. Of one gateway no message overtakes
    another. All of `queue` is looked at: what a flood leaves behind must not hide the others.
    """
    if len(queue) <= most and sum(len(message.payload) for message in queue) <= most_bytes:
        taken = list(queue)
        queue.clear()
        return taken
    looked_at = list(queue)
    queue.clear()
    gateways = [_gateway(message.topic) for message in looked_at]
    waiting = Counter(gateways)
    sizes = dict.fromkeys(waiting, 0)
    for gateway, message in zip(gateways, looked_at, strict=True):
        sizes[gateway] += len(message.payload)
    left = dict.fromkeys(waiting, _share(list(waiting.values()), most))
    share = _share(list(sizes.values()), most_bytes)
    left_bytes = dict.fromkeys(waiting, share)
    taken = []
    others: list[Message] = []
    too_large = 0
    for gateway, message in zip(gateways, looked_at, strict=True):
        size = len(message.payload)
        takes = left[gateway] and len(taken) < most
        if takes and size > left_bytes[gateway]:
            # A message that fits no share is taken by itself, and not many of them at a time.
            takes = left_bytes[gateway] == share and too_large < most_bytes
            too_large += size if takes else 0
        if takes:
            left[gateway] -= 1
            left_bytes[gateway] -= size
            taken.append(message)
        else:
            left[gateway] = 0
            others.append(message)
    queue.extend(others)
    return taken


def _share(waiting: list[int], most: int) -> int:
    """How many of each may be taken so that it is `most` in all, as nearly as equal shares can."""
    if sum(waiting) <= most:
        return max(waiting, default=0) or 1
    left, gateways = most, len(waiting)
    for count in sorted(waiting):
        if count * gateways >= left:
            break
        left -= count
        gateways -= 1
    return max(1, -(-left // max(1, gateways)))


@lru_cache(maxsize=65_536)
def _gateway(topic: str) -> str:
    return topic.split("/", 3)[2] if topic.count("/") > 1 else ""
