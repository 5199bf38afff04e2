"""The next message is taken in hand: a delivery's first transaction; `recording` is the second.

Both lock the message first and services after it, in the order of their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.delivery.channels import Policy
from alerts.delivery.recipients import Envelope, Row, find_addresses, tell_desk
from alerts.delivery.route import Address, Choice, Service, choose
from alerts.delivery.services import Standing, spend
from alerts.delivery.wording import Outgoing
from core.clock import Clock, ScaledClock
from core.database import Connection, load_queries

_LOOK_AGAIN = timedelta(seconds=60)
"""Of the wall, while quiet hours last by the shared clock."""

_queries = load_queries("alerts")


@dataclass(frozen=True, slots=True)
class Looked:
    """Nothing to send, and whether there may be more to look at right away."""

    more: bool


class Post:
    """Takes messages in hand."""

    def __init__(
        self,
        *,
        clock: Clock,
        wall: Callable[[], datetime],
        policy: Policy,
        public_url: str | None = None,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._policy = policy
        self._public_url = public_url
        self._factor = clock.factor if isinstance(clock, ScaledClock) else 1.0
        self.looking_at: int | None = None
        """The message that is being taken, so that one that cannot be stalls no other."""

    def use(self, policy: Policy) -> None:
        """Go by another policy from the next message on."""
        self._policy = policy

    async def take(
        self, connection: Connection, worker: int, *, least: int = 1
    ) -> Envelope | Looked:
        """Take the next message in hand; committed before anything goes out.

        `least`: the lowest severity that is taken.
        """
        self.looking_at = None
        async with connection.transaction():
            now, wall = self._clock.now(), self._wall()
            found = await _queries.take(connection, now=now, wall=wall, least=least)
            if found is None:
                return Looked(more=False)
            row = Row(**found)
            self.looking_at = row.id
            tries = [one async for one in _queries.tries(connection, outbox=row.id)]
            end = await self._moot(connection, row, tries, now)
            if end is not None:
                await _queries.give_up(connection, id=row.id, state=end, error=None, wall=wall)
                return Looked(more=True)
            addresses, language = await find_addresses(connection, row, tries, self._policy)
            if not addresses:
                await self._unreachable(connection, row, tries, now=now, wall=wall)
                return Looked(more=True)
            failures = Counter(one["address"] for one in tries)
            standings = await self._standings(connection, addresses)
            choice = self._choice(row, addresses, standings, failures, wall=wall, now=now)
            if isinstance(choice, datetime):
                await _queries.put_off(connection, id=row.id, retry_at=choice)
                return Looked(more=True)
            wait = await self._spend(connection, row, choice, standings, wall)
            if wait:
                await _queries.put_off(connection, id=row.id, retry_at=wall + wait)
                return Looked(more=True)
            is_repeat = any(one["result"] == "interrupted" for one in tries)
            await _queries.begin_attempt(connection, id=row.id, worker=worker)
            begun = _queries.begin_tries(
                connection,
                outbox=row.id,
                addresses=[one.id for one in choice],
                services=[one.service for one in choice],
                is_repeat=is_repeat,
                wall=wall,
            )
            numbers = sorted([one["id"] async for one in begun])
            return self._envelope(row, language, is_repeat, zip(numbers, choice, strict=True), now)

    async def _moot(
        self, connection: Connection, row: Row, tries: Sequence[Any], now: datetime
    ) -> str | None:
        """The state of a message that is of no use any more."""
        if row.expires_at is not None and row.expires_at <= now:
            return "expired"
        if row.what in ("page", "reminder") and (row.closed_at or row.acknowledged_since):
            return "cancelled"
        # After an outage nobody gets every reminder of it: one that was not taken gives way to the
        # next. One that may have arrived is still repeated, as every message is.
        failed = tries and all(one["result"] != "interrupted" for one in tries)
        if (
            failed
            and row.what in ("page", "reminder")
            and await _queries.is_superseded(
                connection,
                episode=row.episode,
                member=row.member,
                channel=row.channel,
                id=row.id,
                now=now,
            )
        ):
            return "cancelled"
        if row.what == "stand_down" and not await _queries.told_before(
            connection, episode=row.episode, member=row.member, id=row.id
        ):
            return "cancelled"
        return None

    async def _unreachable(
        self,
        connection: Connection,
        row: Row,
        tries: Sequence[Any],
        *,
        now: datetime,
        wall: datetime,
    ) -> None:
        """There is no way to the recipient (any more): the desk has to know."""
        error = "no address took it" if tries else "no address for it"
        await _queries.give_up(connection, id=row.id, state="failed", error=error, wall=wall)
        await tell_desk(connection, row, now=now)

    async def _standings(
        self, connection: Connection, addresses: Iterable[Address]
    ) -> dict[str, Standing]:
        names = sorted({one.service for one in addresses})
        await _queries.add_services(connection, names=names)
        rows = _queries.lock_services(connection, names=names)
        return {row["name"]: Standing(**row) async for row in rows}

    def _choice(
        self,
        row: Row,
        addresses: Sequence[Address],
        standings: dict[str, Standing],
        failures: Mapping[int | None, int],
        *,
        wall: datetime,
        now: datetime,
    ) -> tuple[Address, ...] | datetime:
        """Where to send, or when (wall time) to look again."""
        services = {
            name: Service(one.broken_at is not None, one.paused_until, one.tried_at)
            for name, one in standings.items()
        }
        choice: Choice = choose(
            self._policy,
            row.severity,
            addresses,
            services=services,
            failures=failures,
            wall=wall,
            now=now,
        )
        if not choice.addresses:
            return min(choice.again_at or wall + _LOOK_AGAIN, wall + _LOOK_AGAIN)
        return choice.addresses

    async def _spend(
        self,
        connection: Connection,
        row: Row,
        chosen: Sequence[Address],
        standings: Mapping[str, Standing],
        wall: datetime,
    ) -> timedelta | None:
        """Take the tries off what their services are asked for at most; how long to wait if that
        is used up."""
        counts = Counter(one.service for one in chosen)
        kinds = {one.service: one.kind for one in chosen}
        left: dict[str, float] = {}
        for name, count in counts.items():
            limits = self._policy.kinds[kinds[name]]  # type: ignore[index] # kinds are the file's
            rest = spend(standings[name], limits, count=count, severity=row.severity, wall=wall)
            if isinstance(rest, timedelta):
                return rest
            left[name] = rest
        for name, rest in left.items():
            await _queries.count_use(connection, name=name, allowance=rest, wall=wall)
        return None

    def _envelope(
        self,
        row: Row,
        language: Any,
        is_repeat: bool,
        tries: Iterable[tuple[int, Address]],
        now: datetime,
    ) -> Envelope:
        way = self._policy.of(row.severity)
        keep_s = way.keep_s
        if row.expires_at is not None:
            keep_s = min(keep_s, (row.expires_at - now).total_seconds() / self._factor)
        link = (
            f"{self._public_url.rstrip('/')}/episodes/{row.episode}" if self._public_url else None
        )
        message = Outgoing(
            key=row.key,
            episode=row.episode,
            severity=row.severity,
            what=row.what,
            language=language,
            is_repeat=is_repeat,
            keep_s=keep_s,
            urgency=way.urgency,
            link=link,
        )
        within_s: dict[str, float] = {
            kind: limits.within_s for kind, limits in self._policy.kinds.items()
        }
        return Envelope(row, message, tuple(tries), within_s)
