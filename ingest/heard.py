"""Which gateways were heard, written no more often than somebody could want to know."""

from __future__ import annotations

from typing import Any, NamedTuple

from ingest.batch import Batch
from ingest.instants import moment

HEARD_EVERY = 10_000_000
"""Microseconds; that a gateway was heard is written no more often, unless it comes or goes."""
_MAX_HEARD = 100_000


class _State(NamedTuple):
    online: bool
    boot: str
    at: int


class Heard:
    """What was last written of each gateway; remembered in memory only."""

    def __init__(self) -> None:
        self._heard: dict[int, _State] = {}
        self._pending: dict[int, _State] = {}

    def columns(self, batch: Batch) -> dict[str, list[Any]] | None:
        """What is to be written for `batch`, in order of the gateways' ids; None: nothing."""
        self._pending = self._newly_heard(batch)
        if not self._pending:
            return None
        news = self._pending.values()
        return {
            "gateways": list(self._pending),
            "online": [one.online for one in news],
            "boots": [one.boot for one in news],
            "heard_at": [moment(one.at) for one in news],
        }

    def committed(self) -> None:
        """What the last `columns` gave is in the database."""
        if len(self._heard) > _MAX_HEARD:
            self._heard.clear()
        self._heard.update(self._pending)
        self._pending = {}

    def _newly_heard(self, batch: Batch) -> dict[int, _State]:
        """Gateways whose state has changed since it was last written, in order of their ids."""
        changes = {change.message: change for change in batch.statuses}
        now: dict[int, _State] = {}
        said: set[int] = set()
        for number, message in enumerate(batch.messages):
            gateway = message.gateway_id
            if not gateway:
                continue
            change = changes.get(number)
            if change is None:
                known = now.get(gateway) or self._heard.get(gateway)
                now[gateway] = _State(True, known.boot if known else "", message.arrival)
            elif not (change.retained and change.status.online):
                said.add(gateway)
                now[gateway] = _State(change.status.online, change.status.boot, message.arrival)
        return {
            gateway: one
            for gateway, one in sorted(now.items())
            if gateway in said  # another worker may have written something else meanwhile
            or (before := self._heard.get(gateway)) is None
            or (before.online, before.boot) != (one.online, one.boot)
            or one.at >= before.at + HEARD_EVERY
        }
