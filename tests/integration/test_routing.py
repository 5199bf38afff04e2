"""Who is called on the real database, and in which order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.episodes import listing
from alerts.handling import handling
from alerts.routing import escalating
from core.clock import ManualClock, wall_time
from core.errors import NotFoundError
from tests.integration.alerts_support import NOW, SICK, WELL, settle
from tests.integration.routing_support import (
    CIA,
    EVE,
    MINUTE,
    opened,
    seen_until,
    staffed,
    taken,
)


async def test_who_is_on_duty_is_called_at_once_then_the_next_and_the_desk_last(
    database_url: str,
) -> None:
    async with staffed(database_url) as found:
        clock = ManualClock(NOW)
        episode = await opened(found, clock)
        assert await found.called(episode) == [["cia"]], "in the transaction that opened it"
        assert await found.messages(episode) == [("page", "cia")]
        await taken(found)
        clock.advance(2 * MINUTE - timedelta(seconds=1))
        await settle(found.connection, clock)
        assert await found.called(episode) == [["cia"]]
        clock.advance(timedelta(seconds=1))
        await settle(found.connection, clock)
        assert await found.called(episode) == [["cia"], ["dan"]]
        # Nothing has taken the call to Dan: that is soon seen.
        clock.advance(MINUTE)
        await settle(found.connection, clock)
        assert await found.called(episode) == [["cia"], ["dan"], ["eve"]]
        await seen_until(found, clock, episode, 10 * MINUTE)
        assert await found.called(episode) == [["cia"], ["dan"], ["eve"], ["desk"]]
        messages = await found.messages(episode)
        assert messages[:4] == [("page", name) for name in ("cia", "dan", "eve", "desk")]
        # From minute 4, every 3 minutes: at 7, 10 and 13.
        assert messages[4:] == [("reminder", "desk")] * 3


async def test_whoever_looks_is_waited_for(plain_database_url: str) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW)
        episode = await opened(found, clock)
        await found.connection.execute("UPDATE alerts.outbox SET seen_at = now()")
        await seen_until(found, clock, episode, 3 * MINUTE - timedelta(seconds=10))
        assert await found.called(episode) == [["cia"]]
        await seen_until(found, clock, episode, timedelta(seconds=10))
        assert await found.called(episode) == [["cia"], ["dan"]]


async def test_the_occupied_and_the_unreachable_bring_the_desk_in_at_once(
    plain_database_url: str,
) -> None:
    async with staffed(plain_database_url, clients=3) as found:
        clock = ManualClock(NOW)
        await found.connection.execute("DELETE FROM registry.shift WHERE member = 4")
        episode = await opened(found, clock)
        await handling.acknowledge(found.connection, episode=episode, member=CIA, now=NOW)

        async def next_one(subject: int) -> tuple[list[list[str]], list[str]]:
            await found.put(subject, SICK, at=clock.now())
            await settle(found.connection, clock)
            (other,) = [e["id"] for e in await found.episodes() if e["subject"] == subject]
            reasons = await found.connection.fetchval(
                "SELECT detail -> 'reasons' FROM alerts.episode_event"
                " WHERE episode = $1 AND what = 'called' AND member IS NULL",
                other,
            )
            return await found.called(other), reasons

        assert await next_one(2) == ([["cia", "desk"]], ["occupied"])
        await handling.close(found.connection, episode=episode, member=CIA, now=NOW, outcome="real")
        await found.connection.execute(
            "UPDATE registry.member_channel SET disabled_at = now(), disabled_reason = 'gone'"
        )
        assert await next_one(3) == ([["cia", "desk"]], ["unreachable"])
        # A page that is open reaches them too.
        await found.connection.execute(
            "INSERT INTO audit.session VALUES ('x', 3, $1, $1, $2)",
            wall_time(),
            wall_time() + 60 * MINUTE,
        )
        await found.put(1000001, {"smoke": 1}, at=clock.now(), device=1)
        await settle(found.connection, clock)
        (smoke,) = await found.episodes("smoke")
        assert await found.called(smoke["id"]) == [["cia"]]


async def test_nobody_on_duty_and_nobody_known_is_the_desk(plain_database_url: str) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW + timedelta(days=30))
        await found.put(1, {"help": 1}, at=clock.now())
        await found.put(0, {"help": 1}, at=clock.now(), device=0)
        await settle(found.connection, clock)
        for episode in await found.episodes():
            assert await found.called(episode["id"]) == [["desk"]]


async def test_an_error_in_routing_calls_the_desk_and_holds_nothing_up(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW)

        def broken(*_: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patched:
            patched.setattr(escalating, "route", broken)
            episode = await opened(found, clock)
        assert await found.called(episode) == [["desk"]]

        # The facts cannot be read: the transaction's other work stands all the same.
        await found.connection.execute("ALTER TABLE registry.shift RENAME TO shift_away")
        second = await opened(found, clock, {"help": 1})
        assert await found.called(second) == [["desk"]]
        await found.connection.execute("ALTER TABLE registry.shift_away RENAME TO shift")
        # Nothing can be written at all: the episode is there, and is called about once it can.
        await found.connection.execute("ALTER TABLE alerts.outbox RENAME TO outbox_away")
        await found.put(1000001, {"smoke": 1}, at=clock.now(), device=1)
        await settle(found.connection, clock)
        (smoke,) = await found.episodes("smoke")
        assert await found.called(smoke["id"]) == []
        await found.connection.execute("ALTER TABLE alerts.outbox_away RENAME TO outbox")
        await settle(found.connection, clock)
        assert await found.called(smoke["id"]) == [["cia"]]


async def test_what_has_cleared_rings_nobody_at_night(plain_database_url: str) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW + timedelta(hours=9))
        episode = await opened(found, clock)
        while "cleared" not in await found.happened(episode):
            clock.advance(5 * MINUTE)
            await found.put(1, WELL, at=clock.now())
            await settle(found.connection, clock)
        before = len(await found.messages(episode))
        await seen_until(found, clock, episode, timedelta(hours=1))
        assert len(await found.messages(episode)) == before


async def test_a_neighbour_who_was_called_sees_the_client_until_it_is_over(
    plain_database_url: str,
) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW)
        episode = await opened(found, clock, {"help": 1})
        assert await listing.open_episodes(found.connection, member=EVE, now=NOW) == []
        await seen_until(found, clock, episode, 4 * MINUTE)
        (card,) = await listing.open_episodes(found.connection, member=EVE, now=clock.now())
        assert [person.given_name for person in card.people] == ["Given"]
        now = clock.now()
        await handling.close(
            found.connection, episode=episode, member=EVE, now=now, outcome="real", contact=True
        )
        await listing.episode(found.connection, member=EVE, now=now, episode=episode)
        tomorrow = now + timedelta(hours=12)
        with pytest.raises(NotFoundError):
            await listing.episode(found.connection, member=EVE, now=tomorrow, episode=episode)
