"""What became of a message on its way: the second transaction of a delivery.

As the first one (`post`) it locks the message, and then services in the order of their names.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from alerts.delivery.channels import Policy
from alerts.delivery.recipients import Envelope, Row, find_addresses, tell_desk
from alerts.delivery.route import Address, rounds
from alerts.delivery.sending import Outcome
from alerts.delivery.services import Standing, after
from core.clock import Clock
from core.database import NOTE_CHANNEL, Connection, load_queries

_queries = load_queries("alerts")


class Recorder:
    """Writes what became of messages."""

    def __init__(
        self,
        *,
        clock: Clock,
        wall: Callable[[], datetime],
        policy: Policy,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._policy = policy
        self._chance = chance

    def use(self, policy: Policy) -> None:
        """Go by another policy from the next message on."""
        self._policy = policy

    async def record(
        self,
        connection: Connection,
        worker: int,
        envelope: Envelope,
        outcomes: Sequence[Outcome],
    ) -> bool:
        """Write what became of each of the envelope's tries, in their order.

        False, and nothing is written: it is not in this worker's hands any more.
        """
        row = envelope.row
        async with connection.transaction():
            now, wall = self._clock.now(), self._wall()
            if await _queries.hold(connection, id=row.id, worker=worker) is None:
                return False
            await _queries.end_tries(
                connection,
                ids=[number for number, _ in envelope.tries],
                results=[outcome.result for outcome in outcomes],
                receipts=[outcome.receipt for outcome in outcomes],
                errors=[outcome.error for outcome in outcomes],
                wall=wall,
            )
            tried = [address for _, address in envelope.tries]
            for address, outcome in zip(tried, outcomes, strict=True):
                if outcome.result == "gone" and address.id is not None:
                    await _queries.disable_channel(
                        connection, id=address.id, reason=outcome.error or "gone", wall=wall
                    )
            await self._note_services(connection, tried, outcomes, now=now, wall=wall)
            if any(outcome.result == "sent" for outcome in outcomes):
                await _queries.was_sent(connection, id=row.id, wall=wall)
            else:
                await self._again(connection, row, outcomes, now=now, wall=wall)
        return True

    async def _note_services(
        self,
        connection: Connection,
        tried: Sequence[Address],
        outcomes: Sequence[Outcome],
        *,
        now: datetime,
        wall: datetime,
    ) -> None:
        by_service: dict[str, list[Outcome]] = {}
        for address, outcome in zip(tried, outcomes, strict=True):
            by_service.setdefault(address.service, []).append(outcome)
        turned = False
        rows = _queries.lock_services(connection, names=sorted(by_service))
        for before in [Standing(**row) async for row in rows]:
            said = by_service[before.name]
            standing = after(before, said, self._policy.broken, wall)
            worked = any(outcome.result == "sent" for outcome in said)
            if standing == before and not worked:
                continue
            turned |= (standing.broken_at is None) != (before.broken_at is None)
            await _queries.note_service(
                connection,
                name=before.name,
                failures=standing.failures,
                failing_since=standing.failing_since,
                broken_at=standing.broken_at,
                paused_until=standing.paused_until,
                worked_at=wall if worked else None,
                error=next((outcome.error for outcome in said if outcome.error), None),
            )
        if turned:
            await _queries.note_desk(connection, now=now, wall=wall)
            await _queries.wake(connection, channel=NOTE_CHANNEL)

    async def _again(
        self,
        connection: Connection,
        row: Row,
        outcomes: Sequence[Outcome],
        *,
        now: datetime,
        wall: datetime,
    ) -> None:
        """Another way at once, or all ways again after a pause; meanwhile the desk knows."""
        tries = [one async for one in _queries.tries(connection, outbox=row.id)]
        addresses, _ = await find_addresses(connection, row, tries, self._policy)
        # A service that asks for a pause says itself for how long.
        failures = Counter(one["address"] for one in tries)
        full = rounds(addresses, failures)
        if full:
            await tell_desk(connection, row, now=now)
        pause = timedelta(seconds=self._policy.again.pause_s(full, self._chance()))
        error = next((outcome.error for outcome in outcomes if outcome.error), "not taken")
        await _queries.not_sent(connection, id=row.id, retry_at=wall + pause, error=error)
