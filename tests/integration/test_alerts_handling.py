"""What people do to episodes, and who may see them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from alerts.episodes import listing
from alerts.handling import handling, holding, refused
from core.clock import ManualClock
from core.database import connect
from core.errors import NotFoundError, UserError
from tests.integration.alerts_support import NOW, SICK, WELL, County, county, settle

MINUTE = timedelta(minutes=1)


async def one_episode(found: County, values: dict[str, float]) -> int:
    await found.put(1, values)
    await settle(found.connection, ManualClock(NOW))
    (episode,) = await found.episodes()
    return int(episode["id"])


async def test_acknowledge_and_close(database_url: str) -> None:
    async with county(database_url) as found:
        episode = await one_episode(found, SICK)
        version = await handling.acknowledge(
            found.connection, episode=episode, member=1, now=NOW + MINUTE
        )
        assert version == 3, "opened, the desk called, acknowledged"
        again = await handling.acknowledge(
            found.connection, episode=episode, member=1, now=NOW + 2 * MINUTE
        )
        assert again == version
        with pytest.raises(holding.AlreadyTakenError, match=r"Anna took this alert at 14:01"):
            await handling.acknowledge(found.connection, episode=episode, member=2, now=NOW)
        await handling.close(
            found.connection, episode=episode, member=2, now=NOW + 3 * MINUTE, outcome="real"
        )
        with pytest.raises(holding.AlreadyClosedError, match=r'Bo closed .* "real" at 14:03'):
            await handling.close(
                found.connection, episode=episode, member=1, now=NOW, outcome="false"
            )
        card, events = await listing.episode(found.connection, member=1, now=NOW, episode=episode)
        assert (card.acknowledged_by_name, card.closed_by_name) == ("Anna", "Bo")
        assert [event.what for event in events] == ["opened", "called", "acknowledged", "closed"]
        assert await listing.open_episodes(found.connection, member=1, now=NOW) == []


async def test_of_two_who_take_it_at_once_one_is_told_of_the_other(database_url: str) -> None:
    async with county(database_url) as found:
        episode = await one_episode(found, SICK)
        connections = [await connect(database_url) for _ in range(2)]
        results = await asyncio.gather(
            *(
                handling.acknowledge(connection, episode=episode, member=member, now=NOW)
                for member, connection in enumerate(connections, 1)
            ),
            return_exceptions=True,
        )
        for connection in connections:
            await connection.close()
        refused = [result for result in results if isinstance(result, BaseException)]
        assert [type(error) for error in refused] == [holding.AlreadyTakenError]
        assert await found.happened(episode) == ["opened", "acknowledged"]


async def test_life_safety_stays_open_until_contact_is_recorded(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        episode = await one_episode(found, {"help": 1})
        with pytest.raises(refused.ContactNeededError):
            await handling.close(
                found.connection, episode=episode, member=1, now=NOW, outcome="real"
            )
        (card,) = await listing.open_episodes(found.connection, member=1, now=NOW)
        assert card.needs_contact
        await handling.close(
            found.connection, episode=episode, member=1, now=NOW, outcome="real", contact=True
        )
        _, events = await listing.episode(found.connection, member=1, now=NOW, episode=episode)
        assert events[-1].detail["contact"] is True


async def test_a_call_that_comes_while_one_is_closing_is_not_closed_unseen(
    plain_database_url: str,
) -> None:
    async with county(plain_database_url) as found:
        clock = ManualClock(NOW)
        episode = await one_episode(found, {"help": 1})

        async def newest() -> int:
            _, events = await listing.episode(
                found.connection, member=1, now=clock.now(), episode=episode
            )
            return events[-1].id

        async def close(seen: int) -> None:
            await handling.close(
                found.connection, episode=episode, member=1, now=clock.now(), outcome="real",
                contact=True, seen=seen,
            )  # fmt: skip

        seen = await newest()
        clock.advance(20 * MINUTE)
        await found.put(1, {"help": 1}, at=clock.now())
        await settle(found.connection, clock)
        with pytest.raises(refused.UnseenError):
            await close(seen)
        seen = await newest()
        # What people did meanwhile is no reason to look again.
        await handling.acknowledge(found.connection, episode=episode, member=2, now=clock.now())
        await close(seen)
        assert await found.happened(episode) == [
            "opened", "updated", "acknowledged", "contacted", "closed",
        ]  # fmt: skip


async def test_a_worse_finding_and_a_new_call_take_the_acknowledgement_away(
    plain_database_url: str,
) -> None:
    async with county(plain_database_url) as found:
        clock = ManualClock(NOW)
        await found.put(1, {**WELL, "pulse": 135.0, "help": 1})
        await settle(found.connection, clock)
        for episode in await found.episodes():
            await handling.acknowledge(
                found.connection, episode=episode["id"], member=1, now=clock.now()
            )
        clock.advance(5 * MINUTE)
        await found.put(1, {**SICK, "help": 1}, at=clock.now())
        await settle(found.connection, clock)
        for episode, last in zip(await found.episodes(), ("updated", "rose"), strict=True):
            assert episode["acknowledged_at"] is None
            assert await found.happened(episode["id"]) == ["opened", "acknowledged", last]
            _, events = await listing.episode(
                found.connection, member=1, now=NOW, episode=episode["id"]
            )
            (change,) = [event for event in events if event.what == last]
            ended = change.detail["acknowledgement_ended"]
            assert ended["by"] == 1
        (call,) = await found.episodes("help")
        assert len(call["evidence"]) == 2, "the first press is still evidence"
        assert call["evidence"][0]["time"] > call["evidence"][1]["time"]


async def test_bad_outcomes_and_notes_change_nothing(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        episode = await one_episode(found, SICK)
        with pytest.raises(UserError, match="closed as one of"):
            await handling.close(
                found.connection, episode=episode, member=1, now=NOW, outcome="gone"
            )
        with pytest.raises(refused.NoteTooLongError, match="1 too many"):
            await handling.close(
                found.connection,
                episode=episode,
                member=1,
                now=NOW,
                outcome="real",
                note="x" * (refused.MAX_NOTE + 1),
            )
        assert await found.happened(episode) == ["opened"]


async def test_what_happened_is_never_changed(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        await one_episode(found, SICK)
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await found.connection.execute("DELETE FROM alerts.episode_event")


async def test_each_sees_their_own_clients_most_urgent_first(database_url: str) -> None:
    async with county(database_url, clients=4) as found:
        await found.connection.execute(
            """
            INSERT INTO registry.member (username, display_name, role)
            VALUES ('cia', 'Cia', 'member'), ('dan', 'Dan', 'operator');
            INSERT INTO registry.team (name) VALUES ('t');
            INSERT INTO registry.team_area VALUES (1, 1);
            INSERT INTO registry.team_member VALUES (1, 3), (1, 4);
            INSERT INTO registry.subject (id, pseudonym, kind, home)
            VALUES (500, 'other', 'client', 1);
            INSERT INTO registry.client (subject, reference, given_name, family_name, born)
            VALUES (500, 'other', 'Other', 'Person', '1950-01-01');
            INSERT INTO registry.care_relationship
            VALUES (1, 1, '[2020-01-01,)'), (1, 2, '[2020-01-01,)'),
                   (1, 3, '[2020-01-01,2021-01-01)');
            """
        )
        clock = ManualClock(NOW)
        for subject, values in ((1, {**WELL, "pulse": 135.0}), (2, SICK), (3, SICK), (4, SICK)):
            await found.put(subject, values, at=clock.now())
            await settle(found.connection, clock)
            clock.advance(MINUTE)
        await found.put(1000001, {"smoke": 1}, at=clock.now(), device=1)
        await found.put(0, {"help": 1}, at=clock.now(), device=0)
        await settle(found.connection, clock)

        async def seen(member: int) -> list[tuple[int, str]]:
            cards = await listing.open_episodes(found.connection, member=member, now=clock.now())
            return [(card.subject, card.kind) for card in cards]

        own = [(2, "news2"), (1000001, "smoke"), (1, "news2")]
        assert await seen(3) == own
        assert await seen(4) == []
        assert len(await seen(1)) == 6
        assert await seen(99) == []
        (foreign,) = [e["id"] for e in await found.episodes() if e["subject"] == 4]
        with pytest.raises(NotFoundError) as hidden:
            await listing.episode(found.connection, member=3, now=NOW, episode=foreign)
        with pytest.raises(NotFoundError) as absent:
            await listing.episode(found.connection, member=3, now=NOW, episode=999)
        assert str(hidden.value) == str(absent.value)
        with pytest.raises(NotFoundError):
            await handling.acknowledge(found.connection, episode=foreign, member=3, now=NOW)
        # A home's episode names those of its people whom the member may see.
        (smoke,) = [
            card
            for card in await listing.open_episodes(found.connection, member=3, now=clock.now())
            if card.kind == "smoke"
        ]
        assert [person.subject for person in smoke.people] == [1]
        (smoke,) = [
            card
            for card in await listing.open_episodes(found.connection, member=1, now=clock.now())
            if card.kind == "smoke"
        ]
        assert [person.subject for person in smoke.people] == [1, 500]
