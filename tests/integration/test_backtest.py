"""The backtest against the worker: the same stretch of history gives the same episodes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import pytest

from alerts.backtest.backtest import NOBODY, replay
from alerts.backtest.load import load_stretch
from alerts.backtest.memory import Replayed
from alerts.backtest.stops import EXACT, Pace
from alerts.handling.handling import acknowledge, close
from alerts.rules.shipped import shipped_rules
from core.clock import ManualClock
from tests.integration.alerts_support import NOW, County, county, settle

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
CLIENTS = 4
LENGTH = 3 * DAY


@dataclass(frozen=True, order=True)
class Pack:
    """What arrives at once."""

    received: datetime
    subject: int
    measured: datetime
    values: tuple[tuple[str, float], ...]


def recorded(seed: int) -> list[Pack]:
    """Days of people who measure some hundred times: well, ill, flapping, late, calling."""
    rng = random.Random(seed)
    packs = []
    for subject in range(1, CLIENTS + 1):
        at = NOW + rng.random() * HOUR
        while at < NOW + LENGTH:
            ill = (at - NOW) / LENGTH > 0.5 and subject % 2 == 0
            values = {
                "pulse": rng.gauss(118 if ill else 72, 18),
                "spo2": min(100.0, rng.gauss(91 if ill else 97, 2)),
                "temperature": rng.gauss(38.8 if ill else 36.8, 0.5),
                "systolic": rng.gauss(165 if subject == 3 else 130, 25),
                "diastolic": rng.gauss(95 if subject == 3 else 78, 12),
                "glucose": max(1.5, rng.gauss(5.0, 1.2)),
                "respiratory_rate": rng.gauss(22 if ill else 16, 3),
            }
            some = tuple(sorted((m, round(v, 1)) for m, v in values.items() if rng.random() < 0.6))
            late = rng.choice([0, 0, 0, 0, 2, 45, 600, 3000]) * MINUTE
            if some:
                packs.append(Pack(at + late, subject, at, some))
            if rng.random() < 0.02:
                packs.append(Pack(at + late, subject, at + MINUTE, ((rng.choice(
                    ["help", "fall", "call_request"]), 1.0),)))  # fmt: skip
            at += rng.choice([5, 10, 45, 200]) * MINUTE * (0.5 + rng.random())
    return sorted(packs)


async def live(found: County, packs: list[Pack], *, close_some: bool) -> None:
    """Through the worker's own batches, at the moments at which it would have looked."""
    clock = ManualClock(NOW)
    connection = found.connection
    await connection.execute("UPDATE alerts.subject_state SET due_at = $1", NOW)
    await connection.execute(
        "INSERT INTO alerts.subject_state (subject, due_at) "
        "SELECT id, $1 FROM registry.subject WHERE id <> 0 ON CONFLICT DO NOTHING", NOW,
    )  # fmt: skip
    await seen_whole(connection, NOW)
    await settle(connection, clock)
    left = list(packs)
    while True:
        due = await connection.fetchval("SELECT min(due_at) FROM alerts.subject_state")
        at = min((one for one in (left[0].received if left else None, due) if one), default=None)
        if at is None or at >= NOW + LENGTH:
            return
        clock.set(at)
        await seen_whole(connection, at)
        while left and left[0].received <= at:
            pack = left.pop(0)
            await found.put(
                pack.subject, dict(pack.values), at=pack.measured, received=pack.received
            )
        await settle(connection, clock)
        if close_some:
            await close_one(connection, at)


async def seen_whole(connection: asyncpg.Connection, at: datetime) -> None:
    """Ingest and the engine are alive at that moment."""
    await connection.execute(
        "INSERT INTO ops.heartbeat (service, instance, wall_at, detail) "
        "VALUES ('line', 'line', now(), jsonb_build_object('alive_at', $1::timestamptz, "
        "'wall_at', $1::timestamptz)) ON CONFLICT (service, instance) DO UPDATE "
        "SET detail = excluded.detail", at,
    )  # fmt: skip


async def close_one(connection: asyncpg.Connection, at: datetime) -> None:
    """A member closes what has been open for three hours, some of it though it still stands."""
    rows = await connection.fetch(
        "SELECT id FROM alerts.episode WHERE closed_at IS NULL AND opened_at < $1", at - 3 * HOUR
    )
    for row in rows:
        outcome = ["real", "false", "known"][row["id"] % 3]
        await close(connection, episode=row["id"], member=1, now=at, outcome=outcome, contact=True)


Told = tuple[str, datetime, int]


def told(episodes: list[Replayed]) -> list[tuple[int, str, str, list[Told]]]:
    return sorted(
        (one.subject, one.kind, one.origin, [(e.what, e.at, e.severity) for e in one.events])
        for one in episodes
    )


async def in_database(connection: asyncpg.Connection) -> list[tuple[int, str, str, list[Told]]]:
    rows = await connection.fetch(
        "SELECT e.id, e.subject, e.kind, e.origin, v.what, v.at, v.detail "
        "FROM alerts.episode e JOIN alerts.episode_event v ON v.episode = e.id "
        "WHERE v.what IN ('opened', 'rose', 'fell', 'updated', 'cleared', 'returned') ORDER BY v.id"
    )
    found: dict[int, tuple[int, str, str, list[Told]]] = {}
    for row in rows:
        one = found.setdefault(row["id"], (row["subject"], row["kind"], row["origin"], []))
        before = one[3][-1][2] if one[3] else 0
        one[3].append((row["what"], row["at"], row["detail"].get("severity", before)))
    return sorted(found.values())


@pytest.mark.parametrize(("seed", "close_some"), [(1, False), (2, True)])
async def test_the_same_episodes_as_the_worker(
    plain_database_url: str, seed: int, close_some: bool
) -> None:
    async with county(plain_database_url, clients=CLIENTS, silent_after=4 * HOUR) as found:
        await live(found, recorded(seed), close_some=close_some)
        as_lived = await in_database(found.connection)
        stretch = await load_stretch(found.connection, NOW, NOW + LENGTH)
        before = await found.connection.fetchval("SELECT count(*) FROM alerts.episode_event")
        again = replay(stretch.history, shipped_rules(), pace=EXACT, handling=NOBODY)
        assert told(again) == as_lived
        kinds = {kind for _, kind, _, _ in as_lived}
        assert kinds >= {"news2", "glucose", "blood_pressure", "silence"}
        happened = {what for *_, events in as_lived for what, _, _ in events}
        assert happened >= {"opened", "rose", "cleared"}
        # It has read, and nothing else.
        after = await found.connection.fetchval("SELECT count(*) FROM alerts.episode_event")
        assert after == before


async def test_a_minutes_tick_moves_nothing_by_more_than_it(plain_database_url: str) -> None:
    async with county(plain_database_url, clients=CLIENTS) as found:
        await live(found, recorded(4), close_some=False)
        stretch = await load_stretch(found.connection, NOW, NOW + LENGTH)
    exact = replay(stretch.history, shipped_rules(), pace=EXACT, handling=NOBODY)
    coarse = replay(stretch.history, shipped_rules(), pace=Pace(), handling=NOBODY)
    opened = [(one.subject, one.kind, one.opened_at) for one in exact]
    moved = [(one.subject, one.kind, one.opened_at) for one in coarse]
    assert len(moved) == len(opened)
    for (who, kind, at), (same_who, same_kind, later) in zip(
        sorted(opened), sorted(moved), strict=True
    ):
        assert (who, kind) == (same_who, same_kind)
        assert timedelta(0) <= later - at <= MINUTE


async def test_outcome_and_evidence_outlive_the_readings(plain_database_url: str) -> None:
    async with county(plain_database_url) as found:
        clock = ManualClock(NOW)
        await found.put(1, {"pulse": 140.0, "temperature": 39.5, "spo2": 90.0})
        await settle(found.connection, clock)
        (episode,) = await found.episodes("news2")
        await acknowledge(found.connection, episode=episode["id"], member=1, now=NOW)
        await close(
            found.connection, episode=episode["id"], member=1, now=NOW + HOUR, outcome="real",
            note="pneumonia",
        )  # fmt: skip
        # Raw readings age out.
        await found.connection.execute("DELETE FROM telemetry.reading")
        clock.set(NOW + 400 * DAY)
        await settle(found.connection, clock)
        (kept,) = await found.episodes("news2")
        assert (kept["outcome"], kept["note"]) == ("real", "pneumonia")
        values = {entry["metric"]: entry["value"] for entry in kept["evidence"]}
        assert values == {"pulse": 140.0, "temperature": 39.5, "spo2": 90.0}
        events = await found.connection.fetch(
            "SELECT what, detail FROM alerts.episode_event"
            " WHERE episode = $1 AND what IN ('opened', 'acknowledged', 'closed') ORDER BY id",
            kept["id"],
        )
        assert [row["what"] for row in events] == ["opened", "acknowledged", "closed"]
        assert events[0]["detail"]["evidence"] == kept["evidence"]
        assert events[2]["detail"]["outcome"] == "real"
        stretch = await load_stretch(found.connection, NOW - DAY, NOW + DAY)
        (recorded_one,) = stretch.recorded
        assert (recorded_one.outcome, recorded_one.rule) == ("real", "news2_high")
