"""Store and forward: messages on disk until a receipt says that they are committed.

One SQLite file holds the messages of all gateways of a simulator process. A message is stored
before it is sent, and removed by nothing but a receipt that covers its boot and seq; only beyond
the bound of a gateway's space are the oldest dropped, and counted. Three lanes: life-safety events
overtake everything, live readings overtake history; within a lane the order is that of storing,
so what an earlier boot left goes before what this one adds.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple, Self

from core.wire import merge_ranges
from gateway_sim.store import open_file, queries, transaction

_sql = queries("outbox")
_LOADED = 256
"""Messages of a lane that are kept in memory, waiting to be sent; the others wait on disk."""


class Lane(IntEnum):
    """Which messages overtake which."""

    URGENT = 0
    LIVE = 1
    HISTORY = 2


class Message(NamedTuple):
    """One stored message; `id` ascends in order of storing."""

    id: int
    gateway: str
    boot: str
    seq: int
    lane: Lane
    payload: bytes


class _Queue:
    """The messages of one lane of one gateway that were not handed out yet."""

    def __init__(self) -> None:
        self.loaded: deque[Message] = deque()
        self.after = 0
        """Highest id that was ever loaded."""
        self.taken = 0
        """Highest id that was handed out."""
        self.more = False
        """Whether some are on disk only."""


class Outbox:
    """The store of all gateways of one process. Not thread-safe.

    Args:
        path: the SQLite file, made if it is not there.
        space: messages a gateway may keep; beyond it the oldest are dropped, history first,
            life-safety events never.

    Raises:
        StoreError: the file cannot be used, or another process does.
    """

    def __init__(self, path: Path, *, space: int = 100_000) -> None:
        self._connection: sqlite3.Connection = open_file(path, exclusive=True, durable=True)
        _sql.create_outbox(self._connection)
        with transaction(self._connection):
            _sql.forget_spent_boots(self._connection)
        self._space = space
        self._boots: dict[int, tuple[str, str]] = {
            number: (gateway, boot) for number, gateway, boot in _sql.boots(self._connection)
        }
        self._numbers = {names: number for number, names in self._boots.items()}
        self._current: dict[str, tuple[int, str]] = {}
        self._seq: dict[str, int] = {}
        self._last_id: int = _sql.last_id(self._connection)
        self._queues: dict[str, dict[Lane, _Queue]] = defaultdict(
            lambda: {lane: _Queue() for lane in Lane}
        )
        self._kept: dict[str, int] = defaultdict(int)
        self._added: list[Message] = []
        self._receipted: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._gone: set[int] = set()
        self._marks: dict[str, float] = {}
        self._given_up: list[tuple[str, str, int]] = []
        self.dropped = 0
        """Messages given up for want of space since the file was opened."""
        for gateway, lane, count in _sql.waiting_lanes(self._connection):
            self._queues[gateway][Lane(lane)].more = True
            self._kept[gateway] += count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Store what was added and close the file."""
        self.commit()
        self._connection.close()

    @property
    def gateways(self) -> set[str]:
        """Gateways that have something stored."""
        return {gateway for gateway, count in self._kept.items() if count > 0}

    def __len__(self) -> int:
        return sum(self._kept.values()) + len(self._added)

    def start_boots(self, gateways: Iterable[str]) -> None:
        """Give each gateway a new boot identifier; its seq begins at 1."""
        with transaction(self._connection):
            for gateway in gateways:
                boot = secrets.token_hex(8)
                number = _sql.add_boot(self._connection, gateway=gateway, boot=boot)
                self._boots[number] = (gateway, boot)
                self._numbers[gateway, boot] = number
                self._current[gateway] = (number, boot)
                self._seq[gateway] = 0

    def boot(self, gateway: str) -> str:
        """The present boot identifier of a gateway."""
        return self._current[gateway][1]

    def highest_seq(self, gateway: str) -> int:
        """The highest seq given out in the present boot; 0 before the first."""
        return self._seq[gateway]

    def next_seq(self, gateway: str) -> int:
        """The seq that the next message added will have."""
        return self._seq[gateway] + 1

    def add(self, gateway: str, payload: bytes, lane: Lane) -> Message:
        """Take a message in; it is stored, and may be sent, with the next `commit`."""
        self._seq[gateway] += 1
        self._last_id += 1
        boot = self._current[gateway][1]
        message = Message(self._last_id, gateway, boot, self._seq[gateway], lane, payload)
        self._added.append(message)
        return message

    def mark(self, name: str, value: float) -> None:
        """Remember a number, in the same transaction as the messages added until `commit`."""
        self._marks[name] = value

    def marked(self, name: str) -> float | None:
        """A number remembered by an earlier `mark`, perhaps of an earlier process."""
        if name in self._marks:
            return self._marks[name]
        value: float | None = _sql.get_mark(self._connection, name=name)
        return value

    def receipt(self, gateway: str, boot: str, ranges: Iterable[tuple[int, int]]) -> None:
        """What is committed for good; forgotten with the next `commit`. Any boot counts."""
        number = self._numbers.get((gateway, boot))
        if number is not None:
            self._receipted[number].extend(ranges)

    @property
    def has_receipts(self) -> bool:
        """Whether the next `commit` has something to forget."""
        return bool(self._receipted)

    def commit(self) -> None:
        """Store what was added and forget what was receipted, in one transaction."""
        if not (self._added or self._receipted or self._marks):
            return
        added, self._added = self._added, []
        receipted, self._receipted = self._receipted, defaultdict(list)
        marks, self._marks = self._marks, {}
        with transaction(self._connection):
            _sql.add_messages(self._connection, [self._row(message) for message in added])
            for number, ranges in receipted.items():
                gateway = self._boots[number][0]
                for first, last in merge_ranges(ranges):
                    gone = _sql.forget_range(self._connection, boot=number, first=first, last=last)
                    self._forget(gateway, gone)
            for name, value in marks.items():
                _sql.set_mark(self._connection, name=name, value=value)
            for message in added:
                self._kept[message.gateway] += 1
                queue = self._queues[message.gateway][message.lane]
                if queue.more or len(queue.loaded) >= _LOADED:
                    queue.more = True
                else:
                    queue.loaded.append(message)
                    queue.after = message.id
            for gateway in {message.gateway for message in added}:
                self._keep_within_space(gateway)

    def given_up(self) -> list[tuple[str, str, int]]:
        """Messages (gateway, boot, seq) dropped for want of space since the last call."""
        given_up, self._given_up = self._given_up, []
        return given_up

    def take(self, gateway: str, room: int, room_for_history: int) -> list[Message]:
        """The next messages to send, each handed out once.

        Args:
            room: how many at most; life-safety events come even when there is none.
            room_for_history: how many at most before one of the past may be among them.
        """
        queues = self._queues.get(gateway)
        if queues is None:
            return []
        taken: list[Message] = []
        for lane in Lane:
            queue = queues[lane]
            bound = room_for_history if lane is Lane.HISTORY else room
            while lane is Lane.URGENT or len(taken) < bound:
                if not queue.loaded and not self._load(gateway, lane, queue):
                    break
                message = queue.loaded.popleft()
                queue.taken = message.id
                if message.id in self._gone:
                    self._gone.discard(message.id)
                else:
                    taken.append(message)
        return taken

    def _load(self, gateway: str, lane: Lane, queue: _Queue) -> bool:
        if not queue.more:
            return False
        rows: Sequence[tuple[int, int, int, bytes]] = list(
            _sql.load_lane(
                self._connection, gateway=gateway, lane=lane, after=queue.after, limit=_LOADED
            )
        )
        for number, boot, seq, payload in rows:
            queue.loaded.append(Message(number, gateway, self._boots[boot][1], seq, lane, payload))
        queue.more = len(rows) == _LOADED
        queue.after = rows[-1][0] if rows else queue.after
        return bool(rows)

    def _row(self, message: Message) -> dict[str, object]:
        return {
            "id": message.id,
            "boot": self._numbers[message.gateway, message.boot],
            "seq": message.seq,
            "gateway": message.gateway,
            "lane": int(message.lane),
            "payload": message.payload,
        }

    def _forget(self, gateway: str, rows: Iterable[tuple[int, int]]) -> int:
        """Note that rows (id, lane) left the disk; those loaded but not handed out are skipped."""
        count = 0
        for number, lane in rows:
            count += 1
            queue = self._queues[gateway][Lane(lane)]
            if queue.taken < number <= queue.after:
                self._gone.add(number)
        self._kept[gateway] -= count
        return count

    def _keep_within_space(self, gateway: str) -> None:
        excess = self._kept[gateway] - self._space
        if excess > 0:
            rows = list(_sql.drop_oldest(self._connection, gateway=gateway, excess=excess))
            self._given_up += [(*self._boots[boot], seq) for _, _, boot, seq in rows]
            self.dropped += self._forget(gateway, ((number, lane) for number, lane, _, _ in rows))
