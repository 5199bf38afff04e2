"""Calls, leases and ends of leases happen once only, whoever dies when."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg

from alerts.handling import handling, holding
from alerts.rules.shipped import shipped_rules
from alerts.worker.batch import Batch
from core.clock import ManualClock, wall_time
from core.database import connect
from tests.integration.alerts_support import NOW, SICK, settle, worker
from tests.integration.routing_support import (
    CIA,
    DAN,
    MINUTE,
    staffed,
)
from tests.support.waiting import eventually
from tests.support.workers import workers


async def test_of_two_workers_and_a_member_each_step_is_taken_once(database_url: str) -> None:
    async with staffed(database_url, clients=20) as found:
        clock = ManualClock(NOW)
        for subject in range(1, 21):
            await found.put(subject, SICK, at=NOW)
        await settle(found.connection, clock)
        clock.advance(2 * MINUTE)
        connections = [await connect(database_url) for _ in range(4)]
        ids = [row["id"] for row in await found.episodes()]

        async def look(connection: asyncpg.Connection) -> None:
            await Batch(clock=clock, rules=shipped_rules()).run(connection)

        async def take(connection: asyncpg.Connection, member: int, mine: list[int]) -> int:
            count = 0
            for episode in mine:
                try:
                    await handling.acknowledge(
                        connection, episode=episode, member=member, now=clock.now()
                    )
                    count += 1
                except holding.AlreadyTakenError:
                    pass
            return count

        *_, first, second = await asyncio.gather(
            look(connections[0]),
            look(connections[1]),
            take(connections[2], CIA, ids[:10]),
            take(connections[3], DAN, ids[:10][::-1]),
        )
        assert (first or 0) + (second or 0) == 10
        await settle(found.connection, clock)
        for number, episode in enumerate(ids):
            called = await found.called(episode)
            assert called in ([["cia"]], [["cia"], ["dan"]]) if number < 10 else called == [
                ["cia"], ["dan"],
            ]  # fmt: skip
        for connection in connections:
            await connection.close()


async def test_a_worker_that_starts_again_goes_on_where_timers_stand(
    plain_database_url: str,
) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW)
        async with worker(plain_database_url, clock):
            await found.put(1, SICK, at=NOW)

            async def first() -> bool:
                return [await found.called(e["id"]) for e in await found.episodes()] == [[["cia"]]]

            await eventually(first)
        clock.advance(30 * MINUTE)
        async with worker(plain_database_url, clock):

            async def second() -> bool:
                (episode,) = await found.episodes()
                return await found.called(episode["id"]) == [["cia"], ["dan"]]

            await eventually(second)


async def test_steps_and_ends_of_leases_happen_once_whoever_is_killed(database_url: str) -> None:
    """Real processes, killed with -9 while hundreds of timers fall due, again and again."""
    clients, kills = 120, 6
    async with staffed(database_url, clients=clients) as found:
        wall = wall_time()
        await found.connection.execute(
            "UPDATE registry.shift SET during = tstzrange($1, $2)",
            wall - timedelta(days=1),
            wall + timedelta(days=1),
        )
        async with workers(database_url, {"alerts": 2}) as running:
            await found.put_many((n, SICK, wall_time()) for n in range(1, clients + 1))

            async def all_open() -> bool:
                return len(await found.episodes()) == clients

            await eventually(all_open, within=30)
            ids = [row["id"] for row in await found.episodes()]
            for kill in range(kills):
                # Everything is due at once: leases of one half end, the others go a step on.
                for episode in ids[kill % 2 :: 2]:
                    await handling.contact(
                        found.connection, episode=episode, member=CIA, now=wall_time(), how="phone"
                    )
                await found.connection.execute(
                    "UPDATE alerts.episode SET acknowledged_until = $1"
                    " WHERE acknowledged_by IS NOT NULL",
                    wall_time() - MINUTE,
                )
                await found.connection.execute(
                    "UPDATE alerts.timer SET due_at = $1", wall_time() - MINUTE
                )
                await running.restart("alerts", kill % 2)

            async def nothing_due() -> bool:
                due: int = await found.connection.fetchval(
                    "SELECT count(*) FROM alerts.timer t JOIN alerts.episode e ON e.id = t.episode"
                    " WHERE t.due_at <= $1 OR e.acknowledged_by IS NOT NULL",
                    wall_time(),
                )
                return due == 0

            await eventually(nothing_due, within=60)
            await running.stop()
        check = found.connection.fetchval
        assert await check("SELECT count(*) FROM alerts.timer") == clients, "timers are kept"
        twice = await check(
            "SELECT count(*) FROM (SELECT FROM alerts.episode_event WHERE what = 'called'"
            " GROUP BY episode, detail ->> 'message', member HAVING count(*) > 1) x"
        )
        assert twice == 0
        unsaid = await check(
            "SELECT count(*) FROM alerts.episode_event v WHERE what = 'called' AND NOT EXISTS ("
            "SELECT FROM alerts.outbox o WHERE o.episode = v.episode"
            " AND o.step = v.detail ->> 'message'"
            " AND coalesce(o.member, 0) = coalesce(v.member, 0))"
        )
        assert unsaid == 0
        pages = await check("SELECT count(*) FROM alerts.outbox WHERE what = 'page'")
        called = await check("SELECT count(*) FROM alerts.episode_event WHERE what = 'called'")
        assert pages == called > clients
        for episode in ids:
            happened = await found.happened(episode)
            assert happened.count("lapsed") == happened.count("acknowledged")
            rounds = await check("SELECT round FROM alerts.timer WHERE episode = $1", episode)
            assert rounds == 1 + happened.count("lapsed")
