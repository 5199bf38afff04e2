"""Calls, leases and ends of leases on the real database: once only, whoever dies when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from alerts.episodes import listing
from alerts.handling import handling, holding, refused
from alerts.routing import escalating
from alerts.rules.shipped import shipped_rules
from alerts.worker.batch import Batch
from core.clock import ManualClock, wall_time
from core.database import connect
from core.errors import NotFoundError, UserError
from tests.integration.alerts_support import NOW, SICK, WELL, County, county, settle, worker
from tests.support.waiting import eventually
from tests.support.workers import workers

MINUTE = timedelta(minutes=1)
ANNA, BO, CIA, DAN, EVE = 1, 2, 3, 4, 5
"""Anna and Bo are the desk; Cia and Dan are of the client's team, Eve is of the next."""
_TEAMS = """
UPDATE registry.area SET latitude = 61.06, longitude = 28.19;
UPDATE registry.home SET latitude = 61.06, longitude = 28.19;
INSERT INTO registry.area (code, name, latitude, longitude) VALUES ('b', 'B', 61.17, 28.77);
INSERT INTO registry.member (username, display_name, role)
VALUES ('cia', 'Cia', 'member'), ('dan', 'Dan', 'member'), ('eve', 'Eve', 'member');
INSERT INTO registry.team (name, base) VALUES ('own', 1), ('next', 2);
INSERT INTO registry.team_area VALUES (1, 1), (2, 2);
INSERT INTO registry.team_member VALUES (1, 3), (1, 4), (2, 5);
INSERT INTO registry.care_relationship
SELECT 1, subject, '[2020-01-01,)' FROM registry.client;
INSERT INTO registry.shift (team, member, during)
VALUES (1, 3, '[2025-03-03,2025-03-05)'), (1, 4, '[2025-03-03,2025-03-05)'),
       (2, 5, '[2025-03-03,2025-03-05)');
INSERT INTO registry.member_channel (member, kind, address, created_at)
SELECT id, 'sms', 'fake://' || id, now() FROM registry.member;
"""


@asynccontextmanager
async def staffed(url: str, *, clients: int = 1) -> AsyncIterator[County]:
    async with county(url, clients=clients) as found:
        await found.connection.execute(_TEAMS)
        yield found


async def opened(found: County, clock: ManualClock, values: dict[str, float] = SICK) -> int:
    await found.put(1, values, at=clock.now())
    await settle(found.connection, clock)
    return int((await found.episodes())[-1]["id"])


async def taken(found: County) -> None:
    """Channels took what waits."""
    await found.connection.execute(
        "UPDATE alerts.outbox SET state = 'sent', sent_at = now(), ended_at = now()"
        " WHERE state = 'waiting'"
    )


async def seen_until(found: County, clock: ManualClock, episode: int, until: timedelta) -> None:
    """Let time go on, with a worker that looks every ten seconds."""
    end = clock.now() + until
    while clock.now() < end:
        clock.advance(timedelta(seconds=10))
        await settle(found.connection, clock)


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


async def test_acknowledging_ends_the_calls_and_tells_those_called_and_the_home(
    database_url: str,
) -> None:
    async with staffed(database_url) as found:
        clock = ManualClock(NOW)
        episode = await opened(found, clock, {"help": 1})
        await seen_until(found, clock, episode, 2 * MINUTE)
        assert await found.called(episode) == [["cia"], ["dan"], ["eve"]]
        await handling.acknowledge(found.connection, episode=episode, member=DAN, now=clock.now())
        assert (await found.messages(episode))[3:] == [
            ("stand_down", "cia"), ("stand_down", "eve"), ("help_coming", "home"),
        ]  # fmt: skip
        await seen_until(found, clock, episode, 14 * MINUTE)
        assert len(await found.called(episode)) == 3
        assert len(await found.messages(episode)) == 6


async def test_a_lease_that_runs_out_returns_the_alert_to_the_queue(database_url: str) -> None:
    async with staffed(database_url) as found:
        clock = ManualClock(NOW)
        episode = await opened(found, clock)
        await handling.acknowledge(found.connection, episode=episode, member=CIA, now=clock.now())
        (row,) = await found.episodes()
        assert row["acknowledged_until"] == NOW + 15 * MINUTE
        clock.set(NOW + 10 * MINUTE)
        await handling.renew(found.connection, episode=episode, member=CIA, now=clock.now())
        clock.set(NOW + 25 * MINUTE - timedelta(seconds=1))
        await settle(found.connection, clock)
        assert await found.called(episode) == [["cia"]]
        clock.set(NOW + 25 * MINUTE)
        await settle(found.connection, clock)
        (row,) = await found.episodes()
        assert (row["acknowledged_by"], row["acknowledged_until"]) == (None, None)
        assert await found.happened(episode) == ["opened", "acknowledged", "renewed", "lapsed"]
        assert await found.called(episode) == [["cia"], ["cia"]], "everybody is called anew"
        with pytest.raises(holding.NotHeldError):
            await handling.renew(found.connection, episode=episode, member=CIA, now=clock.now())
        await handling.acknowledge(found.connection, episode=episode, member=DAN, now=clock.now())


async def test_what_is_given_back_goes_to_the_others_at_once(plain_database_url: str) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW)
        episode = await opened(found, clock)
        with pytest.raises(holding.NotHeldError):
            await handling.release(found.connection, episode=episode, member=CIA, now=NOW)
        await handling.acknowledge(found.connection, episode=episode, member=CIA, now=NOW)
        await handling.release(found.connection, episode=episode, member=CIA, now=NOW)
        await settle(found.connection, clock)
        assert await found.called(episode) == [["cia"], ["dan"]]
        await seen_until(found, clock, episode, 8 * MINUTE)
        assert await found.called(episode) == [["cia"], ["dan"], ["eve"], ["desk"]]


async def test_handing_over_must_be_confirmed_and_gives_the_other_a_look(
    plain_database_url: str,
) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW)
        episode = await opened(found, clock)
        connection = found.connection

        async def hand_over(member: int, to: int) -> None:
            await handling.hand_over(
                connection, episode=episode, member=member, to=to, now=clock.now()
            )

        with pytest.raises(NotFoundError):
            await listing.episode(connection, member=EVE, now=NOW, episode=episode)
        with pytest.raises(holding.NotHeldError):
            await hand_over(CIA, EVE)
        await handling.acknowledge(connection, episode=episode, member=CIA, now=NOW)
        for nobody in (99, 0):
            with pytest.raises(refused.CannotTakeError):
                await hand_over(CIA, nobody)
        await hand_over(CIA, EVE)
        card, events = await listing.episode(connection, member=EVE, now=NOW, episode=episode)
        assert card.acknowledged_by_name == "Eve"
        assert [event.what for event in events][-2:] == ["handed_over", "called"]
        assert (await found.messages(episode))[-1] == ("page", "eve")
        clock.advance(2 * MINUTE)
        await settle(connection, clock)
        await handling.acknowledge(connection, episode=episode, member=EVE, now=clock.now())
        (row,) = await found.episodes()
        assert row["acknowledged_until"] == clock.now() + 15 * MINUTE
        # The desk may give it to somebody else; whoever had it is told. Nobody confirms.
        await hand_over(ANNA, DAN)
        assert (await found.messages(episode))[-2:] == [("page", "dan"), ("stand_down", "eve")]
        clock.advance(3 * MINUTE)
        await settle(connection, clock)
        assert (await found.happened(episode))[-1] == "lapsed"


async def test_the_home_hears_that_somebody_comes_once_the_other_has_confirmed(
    plain_database_url: str,
) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW)
        episode = await opened(found, clock, {"help": 1})
        await handling.hand_over(
            found.connection, episode=episode, member=ANNA, to=DAN, now=clock.now()
        )
        assert ("help_coming", "home") not in await found.messages(episode)
        assert ("stand_down", "cia") in await found.messages(episode)
        for _ in range(2):
            await handling.renew(found.connection, episode=episode, member=DAN, now=clock.now())
        assert (await found.messages(episode)).count(("help_coming", "home")) == 1


async def test_worse_than_what_was_acknowledged_calls_everybody_anew(
    plain_database_url: str,
) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW)
        episode = await opened(found, clock, {**WELL, "pulse": 135.0})
        await handling.acknowledge(found.connection, episode=episode, member=CIA, now=NOW)
        clock.advance(MINUTE)
        await found.put(1, SICK, at=clock.now())
        await settle(found.connection, clock)
        (row,) = await found.episodes()
        assert (row["acknowledged_by"], row["acknowledged_until"]) == (None, None)
        assert await found.called(episode) == [["cia"], ["cia"]]
        # What is not worse than what they knew does not.
        await handling.acknowledge(found.connection, episode=episode, member=CIA, now=clock.now())
        clock.advance(MINUTE)
        await found.put(1, {**SICK, "pulse": 140.0}, at=clock.now())
        await settle(found.connection, clock)
        assert len(await found.called(episode)) == 2


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


async def test_contact_is_an_act_of_its_own_and_holds_until_the_next_call(
    plain_database_url: str,
) -> None:
    async with staffed(plain_database_url) as found:
        clock = ManualClock(NOW)
        connection = found.connection
        episode = await opened(found, clock, {"help": 1})
        for how, whom in (("pigeon", "client"), ("phone", "cat")):
            with pytest.raises(UserError, match="reached in one of these ways"):
                await handling.contact(
                    connection, episode=episode, member=CIA, now=NOW, how=how, whom=whom
                )
        await handling.contact(
            connection, episode=episode, member=CIA, now=NOW, how="phone", note="Istui tuolissa."
        )
        (card,) = await listing.open_episodes(connection, member=CIA, now=NOW)
        assert (card.needs_contact, card.acknowledged_by) == (False, CIA)
        assert await found.happened(episode) == ["opened", "acknowledged", "contacted"]
        clock.advance(5 * MINUTE)
        await found.put(1, {"help": 1}, at=clock.now())
        await settle(connection, clock)
        (card,) = await listing.open_episodes(connection, member=CIA, now=NOW)
        assert (card.needs_contact, card.acknowledged_by) == (True, None)
        with pytest.raises(refused.ContactNeededError):
            await handling.close(
                connection, episode=episode, member=CIA, now=clock.now(), outcome="real"
            )
        await handling.contact(
            connection, episode=episode, member=DAN, now=clock.now(), how="face_to_face"
        )
        await handling.close(
            connection, episode=episode, member=DAN, now=clock.now(), outcome="real"
        )
        _, events = await listing.episode(connection, member=DAN, now=clock.now(), episode=episode)
        assert events[-1].detail["contact"] is True
        left = await connection.fetchval("SELECT count(*) FROM alerts.timer")
        assert left == 0, "closed, so nobody is called any more"
        assert (await found.messages(episode))[-1][0] != "page"


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
