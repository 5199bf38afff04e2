"""The delivering worker on a small county, with people's channels in a world outside of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import time
from typing import Any

import aiohttp
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from alerts.delivery import delivering
from alerts.delivery.by_url import ByUrl
from alerts.delivery.channels import Again, Broken, Limits, Policy, shipped_policy
from alerts.delivery.outbox import Message, enqueue
from alerts.delivery.sending import Sender
from alerts.delivery.vapid import Identity
from alerts.delivery.webpush import WebPush
from tests.integration.web_support import County
from tests.support.push_service import Browser, PushService
from tests.support.waiting import DEADLINE_S, eventually

SHIPPED = shipped_policy()
QUICK = msgspec.structs.replace(
    SHIPPED,
    again=Again(first_s=0.05, most_s=0.2),
    broken=Broken(failures=3, for_s=60, try_again_s=0.1),
    kinds={
        kind: Limits(per_minute=60_000, burst=10_000, within_s=DEADLINE_S) for kind in SHIPPED.kinds
    },
)
"""The shipped one, which tries again sooner, and gives each try what a busy machine may need."""
IDENTITY = Identity(ec.generate_private_key(ec.SECP256R1()), "mailto:saimi@example.org")


def page(episode: int, member: int | None = None, **differences: Any) -> Message:
    given: dict[str, Any] = {"step": "opened", "severity": 3, "what": "page"}
    return Message(episode=episode, member=member, **(given | differences))


async def member(place: County, username: str) -> int:
    found: int = await place.connection.fetchval(
        "SELECT id FROM registry.member WHERE username = $1", username
    )
    return found


async def reach(
    place: County,
    member: int | None,
    kind: str,
    address: str | Browser,
    quiet: tuple[time, time] | tuple[None, None] = (None, None),
) -> int:
    """Give a member, or the desk, a channel."""
    secret = address if isinstance(address, str) else json.dumps(address.subscription)
    found: int = await place.connection.fetchval(
        "INSERT INTO registry.member_channel (member, kind, address, quiet_from, quiet_until,"
        " created_at) VALUES ($1, $2, $3, $4, $5, now()) RETURNING id",
        member,
        kind,
        secret,
        *quiet,
    )
    return found


async def send(place: County, *messages: Message) -> None:
    await enqueue(place.connection, messages, now=place.clock.now())


async def outbox(place: County) -> list[dict[str, Any]]:
    """What was sent here; not whom the alert engine calls by itself, step by step."""
    rows = await place.connection.fetch(
        r"SELECT * FROM alerts.outbox WHERE step !~ '^[0-9]+\.[0-9]+-' ORDER BY id"
    )
    return [dict(row) for row in rows]


async def deliveries(place: County) -> list[dict[str, Any]]:
    rows = await place.connection.fetch("SELECT * FROM alerts.delivery ORDER BY id")
    return [dict(row) for row in rows]


async def settled(place: County, *states: str, episode: int | None = None) -> list[dict[str, Any]]:
    """Wait until the messages (about one episode, or all) are in these states; oldest first."""

    async def messages() -> list[dict[str, Any]]:
        return [row for row in await outbox(place) if episode in (None, row["episode"])]

    async def done() -> bool:
        return sorted(row["state"] for row in await messages()) == sorted(states)

    try:
        await eventually(done)
    except AssertionError as error:
        error.add_note(str([(row["state"], row["last_error"]) for row in await outbox(place)]))
        raise
    return await messages()


@asynccontextmanager
async def delivering_to(
    place: County,
    service: PushService | None = None,
    *,
    senders: Mapping[str, Sender] | None = None,
    policy: Policy = QUICK,
    **options: Any,
) -> AsyncIterator[None]:
    """The worker, sending to a push service here, and by URL."""
    stop = asyncio.Event()
    by_url = ByUrl()
    if service is not None:
        service.server_key = IDENTITY.public_key
    async with aiohttp.ClientSession() as session:
        given: dict[str, Sender] = {"sms": by_url, "email": by_url, "chat": by_url}
        if service is not None:
            given["webpush"] = WebPush(session, IDENTITY, allowed=[service.origin])
        task = asyncio.create_task(
            delivering.run(
                database_url=place.url,
                clock=place.clock,
                senders={**given, **(senders or {})},
                stop=stop,
                policy=policy,
                **options,
            )
        )
        try:
            yield
        finally:
            stop.set()
            by_url.close()
            await asyncio.wait_for(task, 20)
