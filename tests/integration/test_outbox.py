"""The outbox: each message once, with what it tells of or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.delivery import outbox
from core.clock import wall_time
from core.database import OUTBOX_CHANNEL
from tests.integration.delivering_support import page
from tests.integration.web_support import NOW, County, county
from tests.support.waiting import eventually


async def rows(place: County) -> list[tuple[str, int | None, str, str]]:
    found = await place.connection.fetch(
        "SELECT step, member, channel, state FROM alerts.outbox ORDER BY id"
    )
    return [tuple(row) for row in found]


async def test_a_message_is_there_once_whoever_writes_it_again(plain_database_url: str) -> None:
    async with county(plain_database_url) as place:
        episode = await place.open(await place.subject("aino"))
        member = await place.connection.fetchval("SELECT min(id) FROM registry.member")
        messages = [
            page(episode),
            page(episode, member),
            page(episode, member, channel="sms"),
            page(episode, channel="home", what="help_coming"),
            page(episode, member, step="escalated"),
        ]
        first = await outbox.enqueue(place.connection, messages, now=NOW)
        assert len(first) == len(set(first)) == 5
        again = await outbox.enqueue(place.connection, [*messages, *messages], now=NOW)
        assert again == []
        assert sorted(await rows(place), key=str) == sorted(
            [
                ("opened", None, "", "waiting"),
                ("opened", member, "", "waiting"),
                ("opened", member, "sms", "waiting"),
                ("opened", None, "home", "waiting"),
                ("escalated", member, "", "waiting"),
            ],
            key=str,
        )


async def test_a_message_goes_with_its_transaction(plain_database_url: str) -> None:
    async with county(plain_database_url) as place:
        episode = await place.open(await place.subject("aino"))
        woken: list[object] = []
        await place.connection.add_listener(OUTBOX_CHANNEL, lambda *told: woken.append(told))

        async def failing() -> None:
            async with place.connection.transaction():
                await outbox.enqueue(place.connection, [page(episode)], now=NOW)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await failing()
        assert await rows(place) == []
        async with place.connection.transaction():
            await outbox.enqueue(place.connection, [page(episode)], now=NOW)
            assert woken == []

        async def told() -> bool:
            return len(woken) == 1

        await eventually(told)


async def test_what_waits_is_taken_back_and_nothing_else(plain_database_url: str) -> None:
    async with county(plain_database_url) as place:
        episode = await place.open(await place.subject("aino"))
        other = await place.open(await place.subject("aino"), kind="spo2")
        await outbox.enqueue(
            place.connection,
            [
                page(episode),
                page(episode, what="stand_down", step="taken"),
                page(episode, step="sent"),
                page(other),
            ],
            now=NOW,
        )
        await place.connection.execute("UPDATE alerts.outbox SET state='sent' WHERE step = 'sent'")
        assert await outbox.cancel(place.connection, episode, wall=wall_time()) == 1
        assert [state for *_, state in await rows(place)] == [
            "cancelled",
            "sent",
            "waiting",
            "waiting",
        ]


async def test_looking_and_the_phones_word_count_as_seen(plain_database_url: str) -> None:
    async with county(plain_database_url) as place:
        episode = await place.open(await place.subject("aino"))
        member = await place.connection.fetchval("SELECT min(id) FROM registry.member")
        await outbox.enqueue(place.connection, [page(episode, member)], now=NOW)
        wall = wall_time()
        key = await place.connection.fetchval("SELECT key FROM alerts.outbox")
        # Nothing went out yet, so nobody has it to say anything of.
        assert not await outbox.confirm(place.connection, key, seen=True, wall=wall)
        await place.connection.execute(
            "UPDATE alerts.outbox SET state = 'sent', sent_at = $1, attempts = 1", wall
        )
        assert await outbox.confirm(place.connection, key, seen=False, wall=wall)
        assert not await outbox.confirm(place.connection, key, seen=False, wall=wall)
        later = wall + timedelta(seconds=5)
        assert await outbox.seen_by(place.connection, episode=episode, member=member, wall=later)
        row = await place.connection.fetchrow("SELECT * FROM alerts.outbox")
        assert row is not None
        assert (row["state"], row["delivered_at"], row["seen_at"]) == ("delivered", wall, later)
