"""Pauses on a real database: set, ended, imported, and what the engine makes of them."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from alerts.rules.shipped import shipped_rules
from alerts.worker.service import Worker
from core.clock import ManualClock
from core.errors import NotFoundError, RegistryError
from core.pauses import end_pause, pauses_after, set_pause, subject_named
from tests.integration.alerts_support import NOW, SICK, WELL, County, county, settle

HOUR = timedelta(hours=1)
HOME = 1000001


async def pause(
    found: County, kind: str = "hospital", *, subject: int = 1, since: float = -3, until: float = 9
) -> int:
    return await set_pause(
        found.connection,
        subject=subject,
        kind=kind,  # type: ignore[arg-type]  # a text from a table
        since=NOW + since * HOUR,
        until=NOW + until * HOUR,
        member=1,
        now=NOW,
    )


async def kinds(found: County) -> dict[str, int]:
    """Open episodes: severity by kind."""
    return {one["kind"]: one["severity"] for one in await found.episodes()}


async def test_values_in_a_pause_page_nobody_and_are_looked_at_when_it_ends(
    database_url: str,
) -> None:
    async with county(database_url) as found:
        clock = ManualClock(NOW)
        await pause(found, "holiday", since=-0.5, until=1)
        await found.put(1, SICK)
        await settle(found.connection, clock)
        assert await kinds(found) == {}
        clock.advance(timedelta(minutes=59))
        await settle(found.connection, clock)
        assert await kinds(found) == {}
        clock.advance(timedelta(minutes=2))
        await settle(found.connection, clock)
        # The values are an hour old, but nobody was told of them: they reached Saimi in time.
        assert await kinds(found) == {"news2": 4}


async def test_a_call_for_help_is_heard_in_every_pause(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        for kind in ("hospital", "holiday", "guests"):
            await pause(found, kind)
        for metric in ("help", "smoke", "carbon_monoxide", "fall", "call_request"):
            await found.put(1, {metric: 1.0})
        await settle(found.connection, ManualClock(NOW))
        assert await kinds(found) == {
            "help": 4, "smoke": 4, "carbon_monoxide": 4, "fall": 4, "call_request": 2,
        }  # fmt: skip


async def test_a_measurement_in_hospital_asks_whether_the_client_is_home(
    plain_database_url: str,
) -> None:
    async with county(plain_database_url) as found:
        clock = ManualClock(NOW)
        number = await pause(found)
        await found.put(1, WELL)
        await settle(found.connection, clock)
        assert await kinds(found) == {"home_early": 1}
        await found.put(1, SICK, at=NOW + timedelta(minutes=1))
        clock.advance(timedelta(minutes=1))
        await settle(found.connection, clock)
        assert await kinds(found) == {"home_early": 3}, "an emergency that the pause holds back"
        await end_pause(found.connection, pause=number, member=2, now=clock.now())
        clock.advance(timedelta(minutes=1))
        await Worker(clock=clock, rules=shipped_rules(), instance="t").keeper.watch(
            found.connection
        )
        await settle(found.connection, clock)
        assert (await kinds(found))["news2"] == 4, "ended, and looked at without anything new"
        (early,) = await found.episodes("home_early")
        assert early["cleared_at"] is not None


async def test_movement_asks_only_where_nobody_should_be_at_home(plain_database_url: str) -> None:
    async with county(plain_database_url, clients=2) as found:
        await found.connection.execute("UPDATE registry.subject SET home = 1 WHERE id = 2")
        await pause(found, "hospital", subject=1)
        await found.put(HOME, {"motion": 1.0}, device=1)
        await settle(found.connection, ManualClock(NOW))
        assert await kinds(found) == {}, "the other one is at home"
        await pause(found, "holiday", subject=2)
        await found.put(HOME, {"motion": 1.0}, device=1, at=NOW + timedelta(minutes=1))
        await settle(found.connection, ManualClock(NOW + timedelta(minutes=1)))
        (early,) = await found.episodes()
        assert (early["kind"], early["subject"]) == ("home_early", HOME)
        assert early["summary"]["params"]["metric"] == "motion"


async def test_one_of_a_kind_at_once(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        first = await pause(found)
        with pytest.raises(RegistryError, match="hospital pause from 2025-03-03 09:00"):
            await pause(found, since=8, until=20)
        await pause(found, since=9, until=20)
        await pause(found, "guests")
        with pytest.raises(RegistryError, match="60 days"):
            await pause(found, "holiday", until=60 * 24)
        with pytest.raises(RegistryError, match="over already"):
            await pause(found, "holiday", until=-1)
        with pytest.raises(NotFoundError):
            await pause(found, subject=0)
        # The database holds it too, whoever writes.
        for statement in (
            (
                "INSERT INTO registry.pause (subject, kind, since, until, set_at, changed_at) "
                "SELECT subject, kind, since + interval '1 h', until, set_at, set_at "
                "FROM registry.pause WHERE id = $1"
            ),
            "UPDATE registry.pause SET until = since + interval '61 days' WHERE id = $1",
            "UPDATE registry.pause SET until = 'infinity' WHERE id = $1",
            "UPDATE registry.pause SET until = NULL WHERE id = $1",
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await found.connection.execute(statement, first)


async def test_who_set_it_and_who_ended_it_stays(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        first, second = await pause(found), await pause(found, since=10, until=11)
        to_come = await pauses_after(found.connection, now=NOW)
        assert [(row["id"], row["of"], row["set_by"]) for row in to_come] == [
            (first, "r1", "Anna"), (second, "r1", "Anna"),
        ]  # fmt: skip
        for ended in (first, second, first):
            await end_pause(found.connection, pause=ended, member=2, now=NOW)
        assert await pauses_after(found.connection, now=NOW) == []
        rows = await found.connection.fetch(
            "SELECT ended_by, ended_at, until, isempty(during) FROM registry.pause ORDER BY id"
        )
        assert [tuple(row) for row in rows] == [
            (2, NOW, NOW, False),
            (2, NOW, NOW + 10 * HOUR, True),
        ]
        with pytest.raises(NotFoundError):
            await end_pause(found.connection, pause=99, member=2, now=NOW)
        assert await subject_named(found.connection, client="r1") == 1
        assert await subject_named(found.connection, home="h1") == HOME
        with pytest.raises(NotFoundError, match="'nobody'"):
            await subject_named(found.connection, client="nobody")
