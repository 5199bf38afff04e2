"""The models in the worker: their memory in the database, their findings as episodes."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.learned.learned import Learned
from alerts.learned.store import LearnedStore
from core.clock import ManualClock
from tests.integration.alerts_support import NOW, County, county, settle
from tests.unit.models.made_county import USUAL, made_county

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SIGNS = ("pulse", "spo2", "temperature", "systolic")


def store() -> LearnedStore:
    return LearnedStore(Learned(made_county()))


def values(off: float = 0.0) -> dict[str, float]:
    """`off` spreads worse than usual; by the chart still nothing to call anybody for."""
    signs = zip(SIGNS, (1, -1, 1, -1), strict=True)
    return {name: USUAL[name][0] + sign * off * USUAL[name][1] for name, sign in signs}


async def lived(found: County, days: int = 14) -> None:
    """Days of two sessions, each assessed when it came."""
    for day in range(days, 0, -1):
        for hours in (8, 20):
            at = NOW.replace(hour=hours) - day * DAY
            await found.put(1, values(0.2 * (hours == 8)), at=at)
            await settle(found.connection, ManualClock(at + MINUTE), store())


async def remembered(found: County) -> tuple[datetime, bytes]:
    row = await found.connection.fetchrow("SELECT looked_at, signs FROM alerts.learned")
    assert row is not None
    return row["looked_at"], row["signs"]


async def test_getting_worse_opens_an_episode_before_the_chart_does(database_url: str) -> None:
    async with county(database_url) as found:
        await lived(found)
        assert await found.episodes() == []
        await found.put(1, values(4.5))
        await settle(found.connection, ManualClock(NOW + MINUTE), store())
        (episode,) = await found.episodes("deterioration")
        assert episode["severity"] in (2, 3)
        assert {one["metric"] for one in episode["evidence"]} >= {"pulse", "spo2"}
        reasons = episode["summary"]["params"]["reasons"]
        assert {"above", "below"} <= {one["key"] for one in reasons}
        assert await found.episodes("news2") == []


async def test_what_comes_within_minutes_waits_and_is_not_lost(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        await lived(found)
        await found.put(1, {"pulse": 70.0})
        await settle(found.connection, ManualClock(NOW + MINUTE), store())
        looked, _ = await remembered(found)
        await found.put(1, values(4.5), at=NOW + 2 * MINUTE)
        await settle(found.connection, ManualClock(NOW + 3 * MINUTE), store())
        assert (await remembered(found))[0] == looked
        # Nothing more arrives: it is looked at again all the same.
        await settle(found.connection, ManualClock(NOW + 9 * MINUTE), store())
        assert len(await found.episodes("deterioration")) == 1


async def test_the_same_readings_noted_again_change_no_memory(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        await lived(found, 3)
        at = NOW - DAY + 10 * MINUTE
        await settle(found.connection, ManualClock(at), store())
        await found.connection.execute(
            "INSERT INTO telemetry.note (subject, since, until, noted_at) VALUES (1, $1, $2, $2)",
            NOW - 3 * DAY,
            NOW,
        )
        before = await found.connection.fetchval("SELECT days FROM alerts.learned")
        await settle(found.connection, ManualClock(NOW), store())
        after = await found.connection.fetchval("SELECT days FROM alerts.learned")
        # The day that has ended meanwhile is there; those before are as they were.
        assert len(after) == len(before)
        await settle(found.connection, ManualClock(NOW + 6 * MINUTE), store())
        again = await found.connection.fetchval("SELECT days FROM alerts.learned")
        assert again == after


async def test_a_memory_of_another_layout_starts_afresh(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        await lived(found, 3)
        await found.connection.execute("UPDATE alerts.learned SET signs = 'another layout'::bytea")
        await found.put(1, values())
        await settle(found.connection, ManualClock(NOW + MINUTE), store())
        looked, signs = await remembered(found)
        assert looked == NOW + MINUTE
        assert signs != b"another layout"
        assert await found.episodes("technical") == []


async def test_an_episode_stays_while_nothing_is_measured(plain_database_url: str) -> None:
    """That nothing is known any more is no sign of health."""
    async with county(plain_database_url) as found:
        await lived(found)
        await found.put(1, values(4.5))
        await settle(found.connection, ManualClock(NOW + MINUTE), store())
        for days in (1, 2, 3):
            await found.put(1, {"weight": 75.0}, at=NOW + days * DAY)
            await settle(found.connection, ManualClock(NOW + days * DAY + MINUTE), store())
        (episode,) = await found.episodes("deterioration")
        assert episode["cleared_at"] is None
