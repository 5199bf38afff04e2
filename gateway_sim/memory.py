"""A feed without a disk, for what can be read or made again: the messages without an answer.

Its guarantee: a message is kept and sent again until it is answered, by a receipt or, where nobody
gives receipts, by the broker. If this process itself is killed, what was not answered has to be
sent anew: the same readings under a new boot, and ingest finds those that it has.
"""

from __future__ import annotations

import secrets
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from gateway_sim.ledger import Ledger
from gateway_sim.outbox import Lane, Message
from gateway_sim.recording import Pack
from gateway_sim.senml import encode_pack


class Memory:
    """The feed of a replay.

    Args:
        gateways: who sends.
        ledger: where to note what is sent.
        shift: seconds that are added to all times.
    """

    def __init__(
        self, gateways: Sequence[str], ledger: Ledger | None = None, shift: float = 0.0
    ) -> None:
        self._boots = {gateway: secrets.token_hex(8) for gateway in gateways}
        self._seq = dict.fromkeys(gateways, 0)
        self._waiting: dict[str, deque[Message]] = {}
        self._open: dict[str, set[int]] = defaultdict(set)
        """Numbers without an answer, by gateway."""
        self._unanswered = 0
        self._ledger = ledger
        self._shift = shift

    def __len__(self) -> int:
        """How many messages have no answer yet."""
        return self._unanswered

    def add(self, pack: Pack) -> None:
        """Make one message."""
        gateway, readings = pack.gateway, pack.readings
        if self._shift:
            readings = [reading._replace(time=reading.time + self._shift) for reading in readings]
        seq = self._seq[gateway] = self._seq[gateway] + 1
        boot = self._boots[gateway]
        payload = encode_pack(readings, boot, seq, pack.units, pack.texts)
        if self._ledger is not None:
            self._ledger.add(gateway, boot, seq, readings)
        message = Message(seq, gateway, boot, seq, Lane.LIVE, payload)
        self._waiting.setdefault(gateway, deque()).append(message)
        self._open[gateway].add(seq)
        self._unanswered += 1

    def take(self, gateway: str, room: int, room_for_history: int) -> list[Message]:
        """The next to send."""
        waiting = self._waiting.get(gateway)
        if waiting is None:
            return []
        taken = [waiting.popleft() for _ in range(min(room, len(waiting)))]
        if not waiting:
            del self._waiting[gateway]
        return taken

    def receipt(self, gateway: str, boot: str, ranges: Iterable[tuple[int, int]]) -> None:
        """These are answered."""
        mine = self._open.get(gateway)
        if mine is None or boot != self._boots[gateway]:
            return
        bounds = list(ranges)
        answered = {n for n in mine if any(first <= n <= last for first, last in bounds)}
        mine -= answered
        self._unanswered -= len(answered)
        if not mine:
            del self._open[gateway]

    def waiting(self, gateway: str) -> int:
        """How many messages of a gateway have no answer."""
        return len(self._open[gateway]) if gateway in self._open else 0

    def boot(self, gateway: str) -> str:
        """Identifier under which a gateway sends."""
        return self._boots[gateway]

    def highest_seq(self, gateway: str) -> int:
        """Highest number that was given out."""
        return self._seq[gateway]
