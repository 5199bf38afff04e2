"""Causes of silence on a real database, told apart: device, gateway, area, county, ourselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from alerts.episodes.listing import cards
from alerts.routing.escalating import run_due
from alerts.routing.values import shipped_values
from alerts.rules.shipped import shipped_rules
from alerts.worker import service
from core.clock import ManualClock, wall_time
from tests.integration.alerts_support import NOW, WELL, County, county, settle

MINUTE = timedelta(minutes=1)
EXPECTED = 15 * MINUTE
AREAS = 3
HOMES = 12
"""In each area."""
SERVICE = -1


def subject_of(area: int) -> int:
    return -1 - area


class Life:
    """A county of several areas whose homes speak every minute, on a clock by hand."""

    def __init__(self, found: County, clock: ManualClock) -> None:
        self.found = found
        self.clock = clock
        self.offset = timedelta(0)
        self.quiet: set[int] = set()
        """Homes that say nothing."""
        self.worker = service.Worker(clock=clock, rules=shipped_rules(), instance="t")
        self.ingest = True

    async def live(self, minutes: int) -> None:
        """Minute by minute: homes speak, heartbeats beat, the engine looks."""
        for _ in range(minutes):
            for _ in range(6):
                await self.beat(timedelta(seconds=10))
            if self.ingest:
                await self.speak(set(range(1, self.found.clients + 1)) - self.quiet)
            await self.look()

    async def beat(self, step: timedelta) -> None:
        self.clock.advance(step)
        self.offset += step
        if self.ingest:
            await self.found.ingest_beats()
        await self.worker._beat(self.found.connection)

    async def speak(self, homes: Iterable[int]) -> None:
        now = self.clock.now()
        await self.found.put_many([(home, WELL, now) for home in sorted(homes)], notify=False)
        await self.status(homes, online=True)

    async def status(self, homes: Iterable[int], *, online: bool) -> None:
        """What ingest writes of gateways: heard; or, by the broker, gone."""
        await self.found.connection.execute(
            "INSERT INTO telemetry.gateway_status AS old "
            "(gateway, online, boot, heard_at, said_at) "
            "SELECT g, $2, '', $3, $3 FROM unnest($1::int[]) g ON CONFLICT (gateway) DO UPDATE "
            "SET online = $2, said_at = $3, heard_at = CASE WHEN $2 THEN $3 ELSE old.heard_at END",
            sorted(homes),
            online,
            self.clock.now(),
        )

    async def look(self) -> None:
        keeper = self.worker.keeper
        keeper._watched = keeper._surveyed = float("-inf")  # it is time for all of it
        await keeper.turn(self.found.connection)
        await settle(self.found.connection, self.clock)

    async def alerts(self) -> dict[tuple[int, str], dict[str, Any]]:
        """Open episodes that are not cleared, by subject and key."""
        return {
            (one["subject"], one["summary"]["key"]): dict(one)
            for one in await self.found.episodes()
            if one["closed_at"] is None and one["cleared_at"] is None
        }

    async def paging(self) -> set[tuple[int, str]]:
        """Of these, the ones that nothing explains."""
        return {key for key, one in (await self.alerts()).items() if not one["inhibited"]}

    def homes(self, area: int) -> list[int]:
        return list(range((area - 1) * HOMES + 1, area * HOMES + 1))


@asynccontextmanager
async def life(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Life]:
    """Three areas of twelve homes, all heard; home 1 has a concentrator, home 2 a help button."""
    async with county(url, clients=AREAS * HOMES, silent_after=EXPECTED) as found:
        for area in range(2, AREAS + 1):
            await found.connection.execute(
                "INSERT INTO registry.area (code, name) VALUES ($1, $1)", f"area {area}"
            )
        await found.connection.execute("UPDATE registry.home SET area = 1 + (id - 1) / $1", HOMES)
        await found.connection.execute(
            "UPDATE registry.client SET oxygen_prescribed = true WHERE subject = 1"
        )
        await found.connection.execute("UPDATE registry.device SET kind = 'button' WHERE id = 2")
        one = Life(found, ManualClock(NOW))
        for module in (
            "alerts.worker.service",
            "alerts.worker.keeping",
            "tests.integration.alerts_support",
        ):
            monkeypatch.setattr(f"{module}.wall_time", lambda: wall_time() + one.offset)
        await one.live(2)
        yield one


async def test_an_area_that_is_out_is_one_alert_with_who_is_at_risk(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(database_url, monkeypatch) as county:
        # Power goes: the broker sees the connections end, and says so.
        dark = county.homes(1)
        county.quiet |= set(dark)
        await county.status(dark, online=False)
        await county.live(3)
        assert await county.paging() == set(), "a minute's break is none"
        await county.live(25)
        found = await county.alerts()
        assert found.keys() == {(subject_of(1), "area_outage")}, "one cause, one alert"
        outage = found[subject_of(1), "area_outage"]
        assert outage["severity"] == 3, "somebody lives by oxygen there"
        said = outage["summary"]["params"]
        assert (said["lost"], said["watched"]) == (HOMES, HOMES)
        assert said["at_risk"] == [
            {"subject": 1, "needs": ["oxygen"]},
            {"subject": 2, "needs": ["help_button"]},
        ]
        (card,) = await cards(county.found.connection, [outage["id"]])
        assert (card.area_name, card.subject_kind) == ("A", "area")
        assert [person.subject for person in card.people] == [1, 2]

        # One by one they come back: the list shrinks, and nothing flaps.
        for home in dark[:-2]:
            county.quiet.remove(home)
            await county.live(1)
        outage = (await county.alerts())[subject_of(1), "area_outage"]
        assert outage["summary"]["params"]["lost"] == 2
        assert outage["summary"]["params"]["at_risk"] == []
        happened = ["opened", "fell"]  # who lives by oxygen came back
        assert await county.found.happened(outage["id"]) == happened
        assert await county.paging() == {(subject_of(1), "area_outage")}

        # The last one stays out: when the outage is over it is a home with a fault of its own.
        county.quiet = {dark[-1]}
        await county.live(10)
        assert await county.paging() == {(1000000 + dark[-1], "gateway_silent")}
        assert await county.found.happened(outage["id"]) == [*happened, "cleared"]


async def test_homes_alerted_before_the_cause_is_seen_are_explained_and_come_back(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(plain_database_url, monkeypatch) as county:
        first, second, third = county.homes(2)[:3]
        county.quiet |= {first, second}
        await county.live(18)
        alone = {(1000000 + home, "gateway_silent") for home in (first, second)}
        assert await county.paging() == alone, "two may fail by themselves"
        county.quiet |= {third}
        await county.live(18)
        found = await county.alerts()
        # The third was lost long after; nothing ties the three together.
        assert (subject_of(2), "area_outage") not in found

        gone = county.homes(3)[:4]
        county.quiet |= set(gone)
        await county.live(2)
        county.quiet |= set(county.homes(3)[4:7])
        await county.live(15)
        assert (1000000 + gone[0], "gateway_silent") not in await county.paging()
        assert (subject_of(3), "area_outage") in await county.paging()

        home = (1000000 + gone[0], "gateway_silent")
        county.quiet -= set(county.homes(3)) - {gone[0]}
        await county.live(12)
        assert home in await county.paging(), "it outlives the cause"
        assert (subject_of(3), "area_outage") not in await county.alerts()


async def test_an_alert_that_stands_is_kept_and_explained(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(plain_database_url, monkeypatch) as county:
        # Nobody wills anything; the homes' own alerts come before there are three of them.
        early = county.homes(1)[:2]
        county.quiet |= set(early)
        await county.live(10)
        county.quiet |= set(county.homes(1)[2:6])
        await county.live(8)
        stands = {(1000000 + home, "gateway_silent") for home in early}
        assert await county.paging() == stands
        await county.live(10)
        assert await county.paging() == {(subject_of(1), "area_outage")}
        found = await county.alerts()
        for key in stands:
            assert found[key]["summary"]["inhibited_by"] == "area_outage"
            assert await county.found.happened(found[key]["id"]) == ["opened", "updated"]
        # All but one return.
        county.quiet = {early[0]}
        await county.live(12)
        assert await county.paging() == {(1000000 + early[0], "gateway_silent")}
        outlived = found[1000000 + early[0], "gateway_silent"]["id"]
        assert await county.found.happened(outlived) == ["opened", "updated", "returned"]


async def test_most_of_the_county_out_is_one_alert(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(plain_database_url, monkeypatch) as county:
        dark = county.homes(1) + county.homes(2)
        county.quiet |= set(dark)
        await county.status(dark, online=False)
        await county.live(20)
        assert await county.paging() == {(SERVICE, "county_outage")}
        said = (await county.alerts())[SERVICE, "county_outage"]["summary"]["params"]
        assert (said["lost"], said["watched"], said["areas"]) == (24, 36, 2)
        # One area is back: what is left is the other's.
        county.quiet -= set(county.homes(2))
        await county.live(10)
        assert await county.paging() == {(subject_of(1), "area_outage")}
        county.quiet.clear()
        await county.live(10)
        assert await county.paging() == set()


async def test_our_own_outage_is_one_alert_and_blames_nobody(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(plain_database_url, monkeypatch) as county:
        county.ingest = False
        await county.beat(timedelta(seconds=50))
        await county.look()
        assert await county.paging() == set(), "a restart is no outage"
        await county.live(60)
        assert await county.paging() == {(SERVICE, "own_outage")}
        own = (await county.alerts())[SERVICE, "own_outage"]
        assert own["summary"]["params"]["needs"] == {"oxygen": 1, "help_button": 1}
        county.ingest = True
        await county.live(20)
        assert await county.alerts() == {}, "over, and no home was silent"
        assert await county.found.happened(own["id"]) == ["opened", "cleared"]


async def test_an_outage_that_was_on_when_we_went_deaf_stands(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(plain_database_url, monkeypatch) as county:
        dark = county.homes(1) + county.homes(2)
        county.quiet |= set(dark)
        await county.status(dark, online=False)
        await county.live(10)
        before = (await county.alerts())[SERVICE, "county_outage"]["id"]
        county.ingest = False
        await county.live(10)
        assert await county.paging() == {(SERVICE, "county_outage"), (SERVICE, "own_outage")}
        county.ingest = True
        await county.live(3)
        assert await county.paging() == {(SERVICE, "county_outage")}
        assert await county.found.happened(before) == ["opened"]


async def test_no_outage_hides_a_call_for_help(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(plain_database_url, monkeypatch) as county:
        dark = county.homes(1)
        county.quiet |= set(dark)
        await county.status(dark, online=False)
        await county.live(10)
        for metric in ("help", "smoke", "carbon_monoxide", "fall"):
            await county.found.put(dark[3], {metric: 1.0}, at=county.clock.now())
        await county.look()
        calls = {(dark[3], metric) for metric in ("help", "smoke", "carbon_monoxide", "fall")}
        assert calls < await county.paging()
        county.ingest = False
        await county.live(5)
        assert calls < await county.paging()


async def test_an_outage_calls_the_areas_team_and_what_it_explains_nobody(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(plain_database_url, monkeypatch) as county:
        await county.found.connection.execute(
            """
            INSERT INTO registry.member (username, display_name, role)
            VALUES ('cai', 'Cai', 'member');
            INSERT INTO registry.team (name) VALUES ('T');
            INSERT INTO registry.team_member (team, member) VALUES (1, 3);
            INSERT INTO registry.team_area (team, area) VALUES (1, 1);
            INSERT INTO registry.shift (team, member, during)
            VALUES (1, 3, '[2025-03-01,2025-03-10)');
            """
        )
        early = county.homes(1)[:2]
        county.quiet |= set(early)
        await county.live(10)
        county.quiet |= set(county.homes(1)[2:6])
        await county.live(18)

        connection = county.found.connection

        async def said(key: str) -> list[int | None]:
            """To whom something was said of alerts of this key; None: the desk."""
            rows = await connection.fetch(
                "SELECT o.member FROM alerts.outbox o JOIN alerts.episode e ON e.id = o.episode "
                "WHERE e.summary ->> 'key' = $1",
                key,
            )
            return [row["member"] for row in rows]

        before = await said("gateway_silent")
        assert before, "before anybody knew of the cause"
        later = county.clock.now() + timedelta(days=2)
        await run_due(connection, now=later, values=shipped_values())
        assert 3 in await said("area_outage")
        assert await said("gateway_silent") == before


async def test_areas_are_seen_by_their_teams_and_the_desk(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        await found.connection.execute(
            """
            INSERT INTO registry.area (code, name) VALUES ('b', 'B');
            INSERT INTO registry.member (username, display_name, role)
            VALUES ('cai', 'Cai', 'member'), ('dan', 'Dan', 'operator');
            INSERT INTO registry.team (name) VALUES ('T');
            INSERT INTO registry.team_member (team, member) VALUES (1, 3);
            INSERT INTO registry.team_area (team, area) VALUES (1, 2);
            """
        )

        async def below_zero(member: int) -> list[int]:
            rows = await found.connection.fetch(
                "SELECT subject FROM registry.visible_subjects($1, $2) WHERE subject < 0 "
                "ORDER BY subject",
                member,
                NOW,
            )
            return [row["subject"] for row in rows]

        assert await below_zero(1) == [-3, -2, -1], "the desk sees all"
        assert await below_zero(3) == [-3], "a team the areas it drives to"
        assert await below_zero(4) == [-1], "operators the service"
