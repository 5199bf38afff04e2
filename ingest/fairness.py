"""Whose messages are taken next when more wait than are taken: gateways in turn."""

from __future__ import annotations

from collections import Counter, deque

from ingest.message import Message


def take_in_turn(
    queue: deque[Message], most: int, most_bytes: int, *, look_at: int | None = None
) -> list[Message]:
    """Take up to `most` messages (and about `most_bytes`) off `queue`, in the order they came.

    While more wait than that, each gateway gets an equal share of what is taken, so the flood of
    one does not hold up the others; what one leaves of its share goes to the others. Of one
    gateway no message overtakes another. At most `look_at` messages are looked at.
    """
    if len(queue) <= most:
        return _plainly(queue, most, most_bytes)
    looked_at = [queue.popleft() for _ in range(min(len(queue), look_at or 2 * most))]
    waiting = Counter(_gateway(message) for message in looked_at)
    share = _share(list(waiting.values()), most)
    left = dict.fromkeys(waiting, share)
    taken: list[Message] = []
    others: list[Message] = []
    size = 0
    for message in looked_at:
        gateway = _gateway(message)
        if left[gateway] and size < most_bytes and len(taken) < most:
            left[gateway] -= 1
            size += len(message.payload)
            taken.append(message)
        else:
            left[gateway] = 0
            others.append(message)
    queue.extendleft(reversed(others))
    return taken


def _plainly(queue: deque[Message], most: int, most_bytes: int) -> list[Message]:
    taken: list[Message] = []
    size = 0
    while queue and len(taken) < most and size < most_bytes:
        message = queue.popleft()
        size += len(message.payload)
        taken.append(message)
    return taken


def _share(waiting: list[int], most: int) -> int:
    """How many of each may be taken so that it is `most` in all, as nearly as equal shares can."""
    left, gateways = most, len(waiting)
    for count in sorted(waiting):
        if count * gateways >= left:
            break
        left -= count
        gateways -= 1
    return max(1, -(-left // max(1, gateways)))


def _gateway(message: Message) -> str:
    return message.topic.split("/", 3)[2] if message.topic.count("/") > 1 else ""
