"""Which messages a batch holds, by gateway and boot, and what is counted of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.wire import merge_ranges
from ingest.batch import Batch


class Ledger:
    """The keys (gateway and boot) of a batch and its messages' numbers under each."""

    def __init__(self, batch: Batch) -> None:
        self.keys: list[tuple[int, str]] = []
        self.announced: list[int] = []
        self.unnumbered: list[int] = []
        """Messages of known gateways that carry no number."""
        self._places: dict[tuple[int, str], int] = {}
        self._seqs: list[dict[int, int]] = []
        self.key_of: NDArray[np.int64] = np.full(len(batch.messages), -1)
        """Place of each message's key; -1 where the source does not count."""
        self.again: NDArray[np.bool_] = np.zeros(len(batch.messages), dtype=bool)
        """Messages that were received before, in this batch or (once marked) an earlier one."""
        for number, message in enumerate(batch.messages):
            key = message.ledger
            if key is None or message.seq is None:
                if message.seq is None and message.gateway_id:
                    self.unnumbered.append(number)
                continue
            place = self._place(key)
            self.key_of[number] = place
            seqs = self._seqs[place]
            if seqs.setdefault(message.seq, number) != number:
                self.again[number] = True
        for change in batch.statuses:
            if change.status.boot:
                place = self._place((change.gateway, change.status.boot))
                self.announced[place] = max(self.announced[place], change.status.seq)

    def _place(self, key: tuple[int, str]) -> int:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.keys)
            self.keys.append(key)
            self.announced.append(0)
            self._seqs.append({})
        return place

    def columns(self) -> dict[str, list[Any]]:
        """The keys and their numbers as arrays in step, for SQL."""
        return {
            "gateways": [gateway for gateway, _ in self.keys],
            "boots": [boot for _, boot in self.keys],
            "seqs": [_multirange(self.ranges(place)) for place in range(len(self.keys))],
        }

    def ranges(self, place: int) -> list[tuple[int, int]]:
        """The batch's numbers under a key, both ends included."""
        return merge_ranges((seq, seq) for seq in self._seqs[place])

    def mark_again(self, place: int, ranges: Iterable[tuple[int, int]]) -> None:
        """Under this key, the numbers in `ranges` (ends included) were received before."""
        for first, last in ranges:
            for seq, number in self._seqs[place].items():
                if first <= seq <= last:
                    self.again[number] = True

    def count(self, messages: Sequence[int] | NDArray[Any]) -> list[int]:
        """How many of `messages` (places in the batch) are under each key."""
        keys = self.key_of[np.asarray(messages, dtype=np.int64)]
        return [int(n) for n in np.bincount(keys[keys >= 0], minlength=len(self.keys))]


def _multirange(ranges: list[tuple[int, int]]) -> str:
    return "{" + ",".join(f"[{first},{last}]" for first, last in ranges) + "}"
