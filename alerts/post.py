"""The two transactions of a delivery: a message is taken in hand; what became of it is written.

Both lock the message first and services after it, in the order of their names.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.by_url import scheme_of
from alerts.channels import Policy
from alerts.outbox import HOME, Message, enqueue
from alerts.route import Address, Choice, Service, choose, rounds
from alerts.sending import Outcome
from alerts.services import Standing, after, spend
from alerts.webpush import SubscriptionError, host_of, parse_subscription
from alerts.wording import Outgoing
from core.clock import Clock, ScaledClock
from core.database import NOTE_CHANNEL, Connection, load_queries

_USELESS = ("refused", "gone")
"""Results after which an address is of no use to a message."""
_LOOK_AGAIN = timedelta(seconds=60)
"""Of the wall, while quiet hours last by the shared clock."""

_queries = load_queries("alerts")


@dataclass(frozen=True, slots=True)
class Row:
    """A message as stored, with what its episode and its recipient say."""

    id: int
    key: Any
    episode: int
    step: str
    member: int | None
    channel: str
    severity: int
    what: Any
    created_at: datetime
    expires_at: datetime | None
    attempts: int
    closed_at: datetime | None
    acknowledged_since: bool | None
    language: Any
    disabled: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message in hand, and where it is to go now."""

    row: Row
    message: Outgoing
    tries: tuple[tuple[int, Address], ...]
    """Number of each try, and its address."""
    within_s: Mapping[str, float]
    """By kind: how long it may take."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Nothing to send, and whether there may be more to look at right away."""

    more: bool


class Post:
    """What both transactions go by."""

    def __init__(
        self,
        *,
        clock: Clock,
        wall: Callable[[], datetime],
        policy: Policy,
        public_url: str | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._policy = policy
        self._public_url = public_url
        self._chance = chance
        self._factor = clock.factor if isinstance(clock, ScaledClock) else 1.0
        self.looking_at: int | None = None
        """The message that is being taken, so that one that cannot be stalls no other."""

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
            addresses, language = await self._addresses(connection, row, tries)
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

    async def _addresses(
        self, connection: Connection, row: Row, tries: Sequence[Any]
    ) -> tuple[list[Address], Any]:
        """Where the recipient can be reached with this message, and in which language."""
        if row.channel == HOME:
            gateways = [
                one async for one in _queries.home_gateways(connection, episode=row.episode)
            ]
            language = gateways[0]["language"] if gateways else row.language
            return [Address(None, HOME, HOME, one["name"]) for one in gateways], language
        if row.disabled:
            return [], row.language
        useless = {one["address"] for one in tries if one["result"] in _USELESS}
        allowed = (row.channel,) if row.channel else self._policy.of(row.severity).kinds
        rows = [one async for one in _queries.addresses(connection, member=row.member)]
        usable = [one for one in rows if one["kind"] in allowed and one["id"] not in useless]
        return [_address(one) for one in usable], row.language

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
        await self._tell_desk(connection, row, now=now)

    async def _tell_desk(self, connection: Connection, row: Row, *, now: datetime) -> None:
        if row.member is not None and row.what in ("page", "reminder"):
            message = Message(
                episode=row.episode,
                step=row.step,
                member=None,
                severity=row.severity,
                what=row.what,
                expires_at=row.expires_at,
            )
            await enqueue(connection, [message], now=now)

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
        addresses, _ = await self._addresses(connection, row, tries)
        # A service that asks for a pause says itself for how long.
        failures = Counter(one["address"] for one in tries)
        full = rounds(addresses, failures)
        if full:
            await self._tell_desk(connection, row, now=now)
        pause = timedelta(seconds=self._policy.again.pause_s(full, self._chance()))
        error = next((outcome.error for outcome in outcomes if outcome.error), "not taken")
        await _queries.not_sent(connection, id=row.id, retry_at=wall + pause, error=error)


def _address(row: Any) -> Address:
    kind, secret = row["kind"], row["address"]
    where = scheme_of(secret)
    if kind == "webpush":
        try:
            where = host_of(parse_subscription(secret).endpoint)
        except SubscriptionError:
            where = "unknown"
    quiet = None
    if row["quiet_from"] is not None:
        quiet = (row["quiet_from"], row["quiet_until"])
    return Address(row["id"], kind, f"{kind}:{where}", secret, quiet)
