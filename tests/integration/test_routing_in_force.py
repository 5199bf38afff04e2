"""Routing that the desk has set: calls, acknowledgements and messages go by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from alerts.delivery.channels import shipped_policy
from alerts.delivery.in_force import PolicyInForce
from alerts.handling import handling
from alerts.routing.in_force import values_in_force
from alerts.routing.values import shipped_values
from core.clock import ManualClock
from tests.integration import web_support
from tests.integration.alerts_support import NOW, SICK, worker
from tests.integration.delivering_support import (
    QUICK,
    delivering_to,
    member,
    reach,
    send,
    settled,
)
from tests.integration.delivering_support import page as message
from tests.integration.routing_support import CIA, opened, staffed, taken
from tests.support.outside import web_hook
from tests.support.push_service import push_service
from tests.support.waiting import eventually
from web.steward.routing_document import Routing

SHIPPED = Routing(0, shipped_values(), shipped_policy())


async def set_by_desk(connection: asyncpg.Connection, document: dict[str, Any]) -> None:
    await connection.execute(
        "INSERT INTO alerts.routing_change (member, changed_at, wall_at, routing, why)"
        " SELECT min(id), $1, $1, $2, 'as tried' FROM registry.member",
        NOW, document,
    )  # fmt: skip


def changed(severity: str, **values: Any) -> dict[str, Any]:
    document = SHIPPED.document()
    document["severity"][severity] |= values
    return document


async def test_the_engine_calls_and_an_acknowledgement_holds_as_the_desk_set_it(
    database_url: str,
) -> None:
    async with staffed(database_url) as found:
        clock = ManualClock(NOW)
        await set_by_desk(
            found.connection, changed("emergency", unreached_min=0.25, unseen_min=0.5, lease_min=7)
        )
        episode = await opened(found, clock, SICK)
        assert await found.called(episode) == [["cia"]]
        await taken(found)
        async with worker(database_url, clock):
            # As it ships the next would be called after two minutes.
            clock.advance(timedelta(seconds=61))

            async def next_called() -> bool:
                return await found.called(episode) == [["cia"], ["dan"]]

            await eventually(next_called)
        await handling.acknowledge(found.connection, episode=episode, member=CIA, now=clock.now())
        until = await found.connection.fetchval(
            "SELECT acknowledged_until FROM alerts.episode WHERE id = $1", episode
        )
        assert until - clock.now() == timedelta(minutes=7)


async def test_what_cannot_be_used_leaves_what_ships(database_url: str) -> None:
    """It fails open: somebody is called, by something."""
    async with staffed(database_url) as found:
        connection = found.connection
        policy = PolicyInForce(shipped_policy())
        document = SHIPPED.document()
        document["channels"]["emergency"] = {"kinds": ["sms"], "at_once": 1, "quiet": False}
        await set_by_desk(connection, document)
        assert (await policy.look(connection)).of(4).kinds == ("sms",)
        assert policy.policy.of(4).keep_s == shipped_policy().of(4).keep_s
        assert policy.policy.of(3) == shipped_policy().of(3)
        for wrong in (
            changed("emergency", unseen_min=20),
            {},
            {"channels": {"emergency": {"kinds": ["sms"], "at_once": 1, "quiet": True}}},
            {"channels": {**document["channels"], "urgent": {"kinds": ["owl"]}}},
        ):
            await set_by_desk(connection, wrong)
            assert await values_in_force(connection) == shipped_values()
            assert (await policy.look(connection)).of(4).kinds in (
                ("webpush", "sms", "chat", "email"),
            )
        clock = ManualClock(NOW)
        episode = await opened(found, clock, SICK)
        assert await found.called(episode) == [["cia"]]


async def test_messages_go_by_the_channels_that_the_desk_has_set(plain_database_url: str) -> None:
    async with (
        web_support.county(plain_database_url) as place,
        push_service() as service,
        web_hook() as hook,
    ):
        document = Routing(0, shipped_values(), QUICK).document()
        document["channels"]["urgent"]["kinds"] = ["sms", "webpush"]
        await place.connection.execute(
            "INSERT INTO alerts.routing_change (member, changed_at, wall_at, routing, why)"
            " SELECT min(id), now(), now(), $1, 'as tried' FROM registry.member",
            document,
        )
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        await reach(place, nurse, "webpush", service.browser())
        await reach(place, nurse, "sms", hook.url)
        async with delivering_to(place, service):
            await send(place, message(episode, nurse, severity=3))
            await settled(place, "sent")
        assert service.taken == []
        assert len(hook.told) == 1
