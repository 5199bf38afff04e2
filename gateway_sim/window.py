"""Which of a gateway's messages are on their way, and which of them to send again. Pure.

A message is on its way from its first publish until a receipt covers it. The broker's own
acknowledgement only says that the broker has it, and a broker can be killed; so

- after a reconnect, everything on its way that the broker had acknowledged goes out again (the
  rest paho repeats by itself);
- a message that was overtaken, a later one being receipted and it not, goes out again;
- when nothing at all is receipted, only the oldest goes out again, ever more rarely: should ingest
  be away for a night, the broker's queue must not fill with repeats.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway_sim.outbox import Message


class Handle(Protocol):
    """What the link gives back for a publish."""

    def is_published(self) -> bool:
        """Whether the broker has acknowledged it."""
        ...


@dataclass
class _OnItsWay:
    message: Message
    handle: Handle | None
    sent: float


_LOST = float("-inf")


class Window:
    """The messages of one gateway that are on their way; times are monotonic seconds.

    Args:
        size: how many may be on their way at once; life-safety events go beyond.
        patience: how long to wait for a receipt before the first repeat.
        longest: the longest wait between repeats while nothing is receipted.
    """

    def __init__(self, size: int = 64, *, patience: float = 5.0, longest: float = 20.0) -> None:
        self._size = size
        self._patience = patience
        self._longest = longest
        self._waiting: OrderedDict[tuple[str, int], _OnItsWay] = OrderedDict()
        self._proved = _LOST
        """When the latest message was sent that a receipt has covered."""
        self._pause = patience
        self._probe_at = _LOST

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def room(self) -> int:
        """How many more messages may go out."""
        return max(0, self._size - len(self._waiting))

    def sent(self, message: Message, handle: Handle | None, now: float) -> None:
        """A message was published, for the first time or again."""
        if not self._waiting:
            self._pause = self._patience
            self._probe_at = now + self._pause
        key = (message.boot, message.seq)
        again = self._waiting.get(key)
        if again is None:
            self._waiting[key] = _OnItsWay(message, handle, now)
        else:
            again.handle, again.sent = handle, now

    def receipt(self, boot: str, ranges: Iterable[tuple[int, int]], now: float) -> list[Message]:
        """Take a receipt; return what it covers and is on its way no longer."""
        covered: list[Message] = []
        ordered = list(ranges)
        for key in list(self._waiting):
            if key[0] == boot and any(first <= key[1] <= last for first, last in ordered):
                gone = self._waiting.pop(key)
                covered.append(gone.message)
                self._proved = max(self._proved, gone.sent)
        if covered:
            self._pause = self._patience
            self._probe_at = now + self._pause
        return covered

    def reconnected(self) -> None:
        """The connection is new: what the broker acknowledged may be gone with it."""
        for entry in self._waiting.values():
            if entry.handle is None or entry.handle.is_published():
                entry.sent = _LOST

    def forgotten(self) -> None:
        """The gateway was without power: nobody else repeats anything."""
        for entry in self._waiting.values():
            entry.handle, entry.sent = None, _LOST

    def due(self, now: float) -> list[Message]:
        """What is to be sent again now, in order; call `sent` for each."""
        again: list[Message] = []
        for entry in self._waiting.values():
            overtaken = entry.sent <= self._proved and entry.sent + self._patience <= now
            if entry.sent == _LOST or (overtaken and self._acknowledged(entry)):
                again.append(entry.message)
        if not again and self._waiting and now >= self._probe_at:
            oldest = next(iter(self._waiting.values()))
            if self._acknowledged(oldest):
                again.append(oldest.message)
            self._pause = min(self._longest, self._pause * 2)
            self._probe_at = now + self._pause
        return again

    @staticmethod
    def _acknowledged(entry: _OnItsWay) -> bool:
        """Whether repeating is ours; what the broker has not acknowledged, paho repeats."""
        return entry.handle is None or entry.handle.is_published()
