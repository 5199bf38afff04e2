"""Devices whose clocks are wrong: corrected by their gateway's clock, refused without, listed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from ingest.clocks import list_clocks
from ingest.instants import micros
from tests.integration.ingest_homes import NOW, Line, line, spo2

UNSET = datetime.fromtimestamp(86_400 * 365, NOW.tzinfo)  # 1971: on since a year, never set
SECOND = timedelta(seconds=1)
MADE = NOW - timedelta(hours=2)
"""By the gateway's clock; it was offline for two hours."""


def pack(*records: dict[str, Any], made: datetime | None = None, seq: int | None = None) -> bytes:
    first = dict(records[0])
    if made is not None:
        first["made"] = made.timestamp()
    if seq is not None:
        first |= {"boot": "b", "seq": seq}
    return json.dumps([first, *records[1:]]).encode()


async def times(to: Line) -> list[tuple[float, float]]:
    """Value, and seconds before now, of each reading."""
    rows = await to.readings()
    return [(row["value"], (NOW - row["time"]).total_seconds()) for row in rows]


async def clocks(to: Line) -> list[dict[str, Any]]:
    return await list_clocks(to.connection, NOW - timedelta(days=1))


async def test_a_clock_never_set_is_corrected_once_and_marked(database_url: str) -> None:
    async with line(database_url) as to:
        some = pack(spo2(95, UNSET), spo2(96, UNSET + timedelta(seconds=60)), made=MADE)
        await to.send(some)
        await to.send(some)  # delivered again
        assert await times(to) == [(95, 7_260), (96, 7_200)]
        rows = await to.readings()
        assert {micros(row["received_at"]) // 10**6 for row in rows} == {micros(NOW) // 10**6}
        assert [row["state"] for row in rows] == [0, 0]
        marks = await to.connection.fetch(
            "SELECT c.* FROM telemetry.corrected_time c JOIN telemetry.reading r"
            " USING (device, metric, time) ORDER BY time"
        )
        assert [(row["device_time"], row["fault"]) for row in marks] == [
            (UNSET.timestamp(), "unset"), (UNSET.timestamp() + 60, "unset"),
        ]  # fmt: skip
        assert await to.rejected() == []
        (clock,) = await clocks(to)
        assert (clock["gateway"], clock["device"], clock["fault"]) == (
            "gw-north", "oximeter", "unset",
        )  # fmt: skip
        assert (clock["corrected"], clock["refused"], clock["jumps"]) == (2, 0, 0)
        assert clock["seconds"] == (MADE - UNSET).total_seconds() - 60


async def test_only_the_device_that_is_wrong_is_corrected(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        moved = {"n": "motion/motion", "vb": True, "t": (MADE - timedelta(hours=1)).timestamp()}
        await to.send(pack(spo2(95, NOW + timedelta(days=365)), moved, made=MADE))
        assert await times(to) == [(1, 3 * 3_600), (95, 2 * 3_600)]
        (clock,) = await clocks(to)
        assert (clock["device"], clock["fault"], clock["corrected"]) == ("oximeter", "ahead", 1)


@pytest.mark.parametrize(
    ("at", "made", "reason"),
    [
        (UNSET, None, "clock_unset"),
        (NOW + timedelta(days=9), None, "future"),
        (UNSET, UNSET + timedelta(hours=1), "clock_unset"),  # the gateway's was never set either
        (UNSET, NOW + timedelta(days=1), "clock_unset"),  # nor is it right
    ],
)
async def test_without_a_bound_it_is_refused_and_listed(
    plain_database_url: str, at: datetime, made: datetime | None, reason: str
) -> None:
    async with line(plain_database_url) as to:
        for _ in range(2):
            await to.send(pack(spo2(95, at), made=made, seq=1))  # numbered: counted once
        assert [row["reason"] for row in await to.rejected()] == [reason]
        assert await times(to) == []
        (clock,) = await clocks(to)
        assert (clock["corrected"], clock["refused"]) == (0, 1)


async def test_a_gateway_that_runs_ahead_is_read_by_the_arrival_and_in_doubt(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        ahead = timedelta(hours=1)
        for _ in range(2):
            to.clock.advance(timedelta(seconds=10))
            now = to.clock.now()
            some = pack(
                spo2(95, NOW + ahead), spo2(94, NOW + ahead - timedelta(hours=3)),
                made=NOW + ahead, seq=1,
            )  # fmt: skip
            await to.send(some)
        rows = await to.readings()
        assert [row["value"] for row in rows] == [94, 95]
        assert {row["state"] for row in rows} == {1}
        late = [(NOW - row["time"]).total_seconds() for row in rows]
        assert late == pytest.approx([3 * 3_600 - 10, -10], abs=0.1)
        assert now == NOW + timedelta(seconds=20)
        (clock,) = await clocks(to)
        assert (clock["fault"], clock["corrected"]) == ("gateway_ahead", 2)


async def test_jumps_are_counted_and_drift_is_not(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        # Switched off for two hours, it goes on from where it was.
        for minutes, shown in ((0, 0), (1, 1), (2, 2), (120, 3), (121, 4)):
            to.clock.advance(NOW + timedelta(minutes=minutes) - to.clock.now())
            own = UNSET + timedelta(minutes=shown)
            await to.send(pack(spo2(95, own), made=to.clock.now()))
        (clock,) = await clocks(to)
        assert clock["jumps"] == 1
        # Also within one batch.
        messages = [
            to.message(pack(spo2(95, UNSET + timedelta(days=days)), made=NOW + seconds))
            for days, seconds in ((10, SECOND), (20, 2 * SECOND), (20, 3 * SECOND))
        ]
        await to.write(*messages)
        (clock,) = await clocks(to)
        assert clock["jumps"] == 3


async def test_a_call_goes_out_at_its_arrival_whatever_the_clock_says(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        call = {"n": "button/help", "vb": True, "t": UNSET.timestamp()}
        await to.send(pack(call, made=MADE))
        ((value, age),) = await times(to)
        assert (value, round(age)) == (1, 0)
        assert [row["state"] for row in await to.readings()] == [1]


async def test_a_retained_one_is_not_corrected(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        await to.write(to.message(pack(spo2(95, UNSET), made=MADE), retained=True))
        assert [row["reason"] for row in await to.rejected()] == ["retained"]
