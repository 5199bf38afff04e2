"""The backtest against the worker where areas are out: the same alerts, and the same silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.backtest.backtest import NOBODY, replay
from alerts.backtest.load import load_stretch
from alerts.backtest.stops import EXACT
from alerts.rules.shipped import shipped_rules
from alerts.worker.batch import JOURNEY
from alerts.worker.survey import Survey
from core.clock import ManualClock
from tests.integration.alerts_support import NOW, County, county, settle
from tests.integration.test_backtest import in_database, seen_whole, told

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
EXPECTED = 15 * MINUTE
AREAS, HOMES = 3, 6
LENGTH = 9 * HOUR
SPEAKS, SAYS = timedelta(minutes=5), timedelta(seconds=54.5)
HOME = 1_000_000
"""Added to a client's number: the subject of their home."""


def area(number: int) -> int:
    return -1 - number


@dataclass
class Story:
    """Homes that speak every five minutes, but for times in which some of them do not."""

    quiet: list[tuple[timedelta, timedelta, list[int]]] = field(default_factory=list)

    def speaking(self, since_start: timedelta) -> list[int]:
        silent = {
            home for begin, end, homes in self.quiet if begin <= since_start < end for home in homes
        }
        return [home for home in range(1, AREAS * HOMES + 1) if home not in silent]


def homes(of: int) -> list[int]:
    return list(range((of - 1) * HOMES + 1, of * HOMES + 1))


STORY = Story([
    # A home by itself, with a client who lives by oxygen.
    (1 * HOUR, 2 * HOUR, [1]),
    # One is silent already when its area goes out; one of it does not come back with the others.
    (timedelta(hours=2, minutes=40), 4 * HOUR, [2]),
    (3 * HOUR, 4 * HOUR, homes(1)[2:]),
    (3 * HOUR, 6 * HOUR, [1]),
    # Two areas of three.
    (7 * HOUR, 8 * HOUR, homes(2) + homes(3)),
])  # fmt: skip


async def prepare(found: County) -> None:
    for number in range(2, AREAS + 1):
        await found.connection.execute(
            "INSERT INTO registry.area (code, name) VALUES ($1, $1)", f"area {number}"
        )
    await found.connection.execute("UPDATE registry.home SET area = 1 + (id - 1) / $1", HOMES)
    await found.connection.execute(
        "UPDATE registry.client SET oxygen_prescribed = true WHERE subject = 1"
    )
    await found.connection.execute("UPDATE registry.device SET kind = 'button' WHERE id = 3")
    await found.connection.execute(
        "INSERT INTO alerts.subject_state (subject, due_at) "
        "SELECT id, $1 FROM registry.subject WHERE id <> 0 ON CONFLICT DO NOTHING",
        NOW,
    )


async def live(found: County, story: Story) -> None:
    """Through the worker's own batches and surveys, at the moments at which they look."""
    clock = ManualClock(NOW)
    connection = found.connection
    survey = Survey(clock=clock, rules=shipped_rules(), delay=JOURNEY)
    # A survey a minute is enough: by SAYS each comes right before homes find it too long.
    at, says, surveys = NOW, NOW + SAYS, NOW
    while at < NOW + LENGTH:
        clock.set(at)
        await seen_whole(connection, at)
        if says <= at:
            await say(found, story.speaking(at - NOW), at)
            says += SPEAKS
        if surveys <= at:
            await connection.execute(
                "INSERT INTO ops.heartbeat (service, instance, wall_at) VALUES ('ingest', 'i', $1)"
                " ON CONFLICT (service, instance) DO UPDATE SET wall_at = excluded.wall_at",
                at,
            )
            await survey.run(connection, wall=at)
            surveys += MINUTE
        await settle(connection, clock)
        due = await connection.fetchval("SELECT min(due_at) FROM alerts.subject_state")
        at = min(one for one in (says, surveys, due) if one is not None)


async def say(found: County, speaking: list[int], at: datetime) -> None:
    await found.put_many([(home, {"pulse": 70.0}, at) for home in speaking], notify=False)
    await found.connection.execute(
        "INSERT INTO telemetry.gateway_status (gateway, online, boot, heard_at, said_at) "
        "SELECT g, true, '', $2, $2 FROM unnest($1::int[]) g ON CONFLICT (gateway) DO UPDATE "
        "SET heard_at = excluded.heard_at, said_at = excluded.said_at",
        speaking,
        at,
    )


async def test_outages_are_replayed_as_they_were(plain_database_url: str) -> None:
    async with county(plain_database_url, clients=AREAS * HOMES, silent_after=EXPECTED) as found:
        await prepare(found)
        await live(found, STORY)
        as_lived = await in_database(found.connection)
        stretch = await load_stretch(found.connection, NOW, NOW + LENGTH)
    again = replay(stretch.history, shipped_rules(), pace=EXACT, handling=NOBODY)
    assert told(again) == as_lived
    of = {(one.subject, one.kind): one for one in again}
    # An outage is one alert; of the homes in it only those are told that were silent before, or
    # stay so after it. When the county's is over, its areas have none of their own.
    assert of.keys() == {
        (area(1), "outage"), (-1, "outage"), (HOME + 1, "silence"), (HOME + 2, "silence"),
    }  # fmt: skip
    assert of[HOME + 1, "silence"].at_risk == {1: {"oxygen"}}
    assert of[area(1), "outage"].at_risk == {1: {"oxygen"}, 3: {"help_button"}}
    assert of[area(1), "outage"].highest == 3, "somebody lives by oxygen there"
