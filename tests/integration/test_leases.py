"""Who has an alert, for how long, and who hears of it, on the real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.episodes import listing
from alerts.handling import handling, holding, refused
from core.clock import ManualClock
from core.errors import NotFoundError, UserError
from tests.integration.alerts_support import NOW, SICK, WELL, settle
from tests.integration.routing_support import (
    ANNA,
    CIA,
    DAN,
    EVE,
    MINUTE,
    opened,
    seen_until,
    staffed,
)


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
