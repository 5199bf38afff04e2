"""The worker on a real database: what opens, what stays silent, what happens once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alerts.finding import LIFE_SAFETY
from core.catalogue import catalogue
from core.clock import ManualClock
from core.database import EPISODE_CHANNEL, connect
from tests.integration.alerts_support import (
    NOW,
    SICK,
    WELL,
    County,
    county,
    settle,
    worker,
)
from tests.support.waiting import eventually

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


async def opened(count: int, found: County) -> bool:
    return len(await found.episodes()) >= count


async def test_readings_become_an_episode_and_everybody_is_told(database_url: str) -> None:
    async with county(database_url) as found:
        told: list[str] = []
        listener = await connect(database_url)
        await listener.add_listener(EPISODE_CHANNEL, lambda *a: told.append(a[-1]))
        async with worker(database_url):
            await found.put(1, SICK)
            await eventually(lambda: opened(1, found))
        await listener.close()
        (episode,) = await found.episodes()
        assert (episode["kind"], episode["severity"], episode["subject"]) == ("news2", 4, 1)
        assert episode["summary"]["params"]["low"] == 11
        assert episode["summary"]["missing"] == ["oxygen", "consciousness"]
        trigger = episode["evidence"][0]
        assert (trigger["gateway"], trigger["device"]) == ("g1", "pack")
        assert datetime.fromisoformat(trigger["time"]) == NOW
        assert await found.happened(episode["id"]) == ["opened"]
        assert told == [str(episode["id"])]
        assert await found.left() == 0


async def test_without_notify_polling_finds_it(plain_database_url: str) -> None:
    async with county(plain_database_url) as found, worker(plain_database_url):
        await found.put(1, SICK, notify=False)
        await eventually(lambda: opened(1, found))


@pytest.mark.parametrize("metric", sorted(LIFE_SAFETY))
async def test_life_safety_pages_at_any_age(plain_database_url: str, metric: str) -> None:
    ages = (timedelta(0), 31 * MINUTE, 3 * DAY, 20 * 365 * DAY)
    async with county(plain_database_url, clients=len(ages)) as found:
        for subject, age in enumerate(ages, 1):
            await found.put(subject, {metric: 1}, at=NOW - age, received=NOW, state=subject % 2)
        await settle(found.connection, ManualClock(NOW))
        episodes = await found.episodes(metric)
        assert [(e["subject"], e["severity"]) for e in episodes] == [(n, 4) for n in (1, 2, 3, 4)]
        late = [e["summary"]["params"]["late"] for e in episodes]
        assert late == [age > 30 * MINUTE for age in ages]


async def test_a_noted_event_is_dealt_with_once(database_url: str) -> None:
    async with county(database_url) as found:
        clock = ManualClock(NOW)
        await found.put(1, {"help": 1}, at=NOW - 30 * DAY, received=NOW)
        await settle(found.connection, clock)
        # The same stretch of time is noted again: by a late pack, by a retry.
        for _ in range(2):
            await found.connection.execute(
                "INSERT INTO telemetry.note (subject, since, until, noted_at) "
                "VALUES (1, $1, $2, now())",
                NOW - 40 * DAY,
                NOW,
            )
            clock.advance(MINUTE)
            await settle(found.connection, clock)
        (episode,) = await found.episodes()
        assert await found.happened(episode["id"]) == ["opened"]
        await found.connection.execute(
            "UPDATE alerts.episode SET closed_at = $1, closed_by = 1, outcome = 'real'", clock.now()
        )
        await found.put(1, {"fall": 0}, at=NOW - 35 * DAY, received=clock.now())
        await found.put(1, {"fall": 0}, at=NOW, received=clock.now())
        await settle(found.connection, clock)
        assert len(await found.episodes()) == 1
        # A new press is a new episode.
        await found.put(1, {"help": 1}, at=clock.now())
        await settle(found.connection, clock)
        assert len(await found.episodes()) == 2


async def test_unknown_calls_do_not_hide_each_other(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        for seconds in range(3):
            at = NOW + timedelta(seconds=seconds)
            await found.put(0, {"help": 1}, at=at, device=0, state=1)
            await settle(found.connection, ManualClock(NOW + MINUTE))
        episodes = await found.episodes("help")
        assert len(episodes) == 3
        assert {e["subject"] for e in episodes} == {0}
        assert all(e["summary"]["params"]["unknown_device"] for e in episodes)


async def test_an_unknown_call_is_shown_as_the_wire_named_it(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        help_ = catalogue()["help"].id
        await found.connection.execute(
            "INSERT INTO telemetry.unknown_device VALUES ($1, $2, 'gw-17', 'pendant')", help_, NOW
        )
        await found.put(0, {"help": 1}, at=NOW, device=0, state=1)
        await settle(found.connection, ManualClock(NOW + MINUTE))
        (episode,) = await found.episodes("help")
        (reading,) = episode["evidence"]
        assert (reading["gateway"], reading["device"]) == ("gw-17", "pendant")


async def test_late_measurements_page_nobody(database_url: str) -> None:
    async with county(database_url, clients=4) as found:
        clock = ManualClock(NOW)
        await found.put(1, SICK, at=NOW - 13 * 60 * MINUTE, received=NOW)  # beyond its validity
        await found.put(2, SICK, at=NOW - 45 * MINUTE, received=NOW)  # valid, but late
        await found.put(3, SICK, at=NOW - 6 * 365 * DAY, received=NOW)  # history
        await found.put(4, SICK, at=NOW - 45 * MINUTE)  # in time; only assessed late
        await settle(found.connection, clock)
        assert [episode["subject"] for episode in await found.episodes()] == [4]
        assert await found.left() == 0


async def test_a_value_speaks_for_the_present_no_longer_than_its_validity(
    plain_database_url: str,
) -> None:
    # Breathing and pulse are valid for 12 hours.
    async with county(plain_database_url, clients=2) as found:
        for subject, hours in ((1, 11.9), (2, 12.1)):
            await found.put(
                subject, {"pulse": 135.0}, at=NOW - timedelta(hours=hours), notify=False
            )
            await found.connection.execute("DELETE FROM telemetry.note")
        for subject in (1, 2):
            await found.put(subject, {"respiratory_rate": 26.0})
        await settle(found.connection, ManualClock(NOW))
        scores = {e["subject"]: e["summary"]["params"]["low"] for e in await found.episodes()}
        assert scores == {1: 6, 2: 3}


async def test_late_measurements_do_not_raise_what_is_open(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        clock = ManualClock(NOW)
        await found.put(1, {**WELL, "pulse": 135.0})
        await settle(found.connection, clock)
        await found.put(
            1, {"respiratory_rate": 28.0, "temperature": 40.0}, at=NOW + MINUTE, received=NOW + DAY
        )
        clock.advance(2 * MINUTE)
        await settle(found.connection, clock)
        (episode,) = await found.episodes()
        assert episode["severity"] == 2
        assert episode["summary"]["params"]["low"] == 8, "the score itself is corrected"
        assert await found.happened(episode["id"]) == ["opened"]


async def test_an_illness_opens_rises_falls_and_clears(database_url: str) -> None:
    course = [
        ({**WELL, "pulse": 135.0}, 2),
        ({**WELL, "pulse": 135.0, "respiratory_rate": 26.0}, 3),
        (SICK, 4),
        *[({**WELL, "pulse": 135.0}, 4)] * 2,
        *[({**WELL, "pulse": 135.0}, 2)] * 2,
        *[(WELL, 2)] * 3,
    ]
    clock = ManualClock(NOW)
    async with county(database_url) as found:
        for number, (values, severity) in enumerate(course):
            clock.set(NOW + number * 10 * MINUTE)
            await found.put(1, values, at=clock.now())
            await settle(found.connection, clock)
            (episode,) = await found.episodes()
            assert episode["severity"] == severity, number
        assert await found.happened(episode["id"]) == ["opened", "rose", "rose", "fell", "cleared"]
        assert episode["closed_at"] is None
        assert episode["cleared_at"] == clock.now()
        assert episode["highest"] == 4


async def test_times_to_look_again_need_no_reading(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        clock = ManualClock(NOW)
        await found.put(1, {"systolic": 190.0, "diastolic": 100.0})
        await settle(found.connection, clock)
        assert await found.episodes() == []
        clock.advance(15 * MINUTE)
        await settle(found.connection, clock)
        (episode,) = await found.episodes()
        assert (episode["kind"], episode["severity"]) == ("blood_pressure", 3)
        assert episode["summary"]["params"]["confirmed"] is False


async def test_suspect_and_struck_out_readings_are_not_scored(plain_database_url: str) -> None:
    async with county(plain_database_url, clients=2) as found:
        await found.put(1, SICK, state=1)
        await found.put(2, SICK, state=2)
        await settle(found.connection, ManualClock(NOW))
        assert await found.episodes() == []


async def test_a_clients_own_limits_count(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        await found.connection.execute(
            "INSERT INTO registry.client_limit (subject, metric, low, high, set_at) "
            "VALUES (1, 8, NULL, 80, now()), (1, 2, 88, 92, now())"
        )
        await found.put(1, {"weight": 81.0, "spo2": 87.0})
        await settle(found.connection, ManualClock(NOW))
        kinds = {(e["kind"], e["origin"]): e["severity"] for e in await found.episodes()}
        assert kinds == {("limit", "weight"): 2, ("spo2", ""): 3, ("news2", ""): 2}


async def test_a_call_made_now_overtakes_a_backlog(plain_database_url: str) -> None:
    async with county(plain_database_url, clients=3) as found:
        await found.connection.execute(
            "INSERT INTO telemetry.note (subject, since, until, noted_at) "
            "SELECT 1, $1, $1, now() FROM generate_series(1, 20000)",
            NOW - 30 * DAY,
        )
        await found.put(2, {"help": 1})
        async with worker(plain_database_url):
            await eventually(lambda: opened(1, found))
            assert await found.left() > 0
