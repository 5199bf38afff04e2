"""Shared devices, readings without an owner, and putting right what is stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from core.corrections import Corrected, Stretch, reassign, restore, strike_out
from core.database import load_queries
from core.errors import NotFoundError, UserError
from core.reading import UNKNOWN, State
from ingest.admission import admit, gateway_names
from ingest.decoders.record import Channel, Decoded, Record
from ingest.instants import micros
from ingest.message import Understood
from ingest.writer import Written
from tests.integration.ingest_homes import IN_USE, NOW, OLDEST, Line, line, pack, spo2

MINUTE = timedelta(minutes=1)


async def share(to: Line) -> tuple[int, int, int]:
    """Make north's oximeter one that north's and south's clients share; device, subjects."""
    device = await to.connection.fetchval(
        "SELECT d.id FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway"
        " WHERE g.name = 'gw-north' AND d.name = 'oximeter'"
    )
    subjects = await to.connection.fetch("SELECT subject FROM registry.client ORDER BY reference")
    north, south = (row["subject"] for row in subjects)
    await to.connection.execute("DELETE FROM registry.assignment WHERE device = $1", device)
    await to.connection.executemany(
        "INSERT INTO registry.assignment (device, user_index, subject, during)"
        " VALUES ($1, $2, $3, tstzrange($4, NULL))",
        [(device, 1, north, IN_USE), (device, 2, south, IN_USE)],
    )
    to.directory.forget()
    return device, north, south


def measured(
    value: float, at: datetime, user: int | None, *, metric: str = "spo2", suspect: bool = False
) -> Record:
    unit = "%" if metric == "spo2" else None
    channel = Channel("oximeter", metric, unit)
    return Record(channel, value, at.timestamp(), user=user, suspect=suspect)


async def write(to: Line, *records: Record) -> Written:
    understood = [Understood(to.message(b""), "gw-north", None, decoded=Decoded(list(records)))]
    await to.directory.load(to.connection, gateway_names(understood), NOW)
    return await to.writer.write(admit(understood, to.directory, micros(OLDEST)), NOW)


async def owners(to: Line) -> list[tuple[float, int, int]]:
    """Value, subject and state of each reading, in the order of time."""
    return [(row["value"], row["subject"], row["state"]) for row in await to.readings()]


async def held(to: Line) -> list[asyncpg.Record]:
    return [row async for row in load_queries("core").list_held(to.connection, most=10)]


async def test_the_index_decides_and_without_one_the_reading_is_held(database_url: str) -> None:
    async with line(database_url) as to:
        _, north, south = await share(to)
        await write(
            to,
            measured(91, NOW - 4 * MINUTE, 1),
            measured(92, NOW - 3 * MINUTE, 2),
            measured(93, NOW - 2 * MINUTE, None),
            measured(94, NOW - MINUTE, 7, suspect=True),
        )
        assert await owners(to) == [
            (91, north, State.OK),
            (92, south, State.OK),
            (93, UNKNOWN, State.SUSPECT),
            (94, UNKNOWN, State.SUSPECT),
        ]
        waiting = await held(to)
        assert [(row["value"], row["user_index"], row["device"]) for row in waiting] == [
            (93, None, "oximeter"),
            (94, 7, "oximeter"),
        ]
        assert waiting[0]["candidates"] == ["client-north", "client-south"]


async def test_a_call_from_a_shared_device_is_at_least_somebodys_in_the_home(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        await share(to)
        await write(to, measured(1, NOW, None, metric="help"))
        (call,) = await to.readings()
        assert (call["kind"], call["home"], call["device_name"]) == ("home", "north", "oximeter")


async def test_once_the_owner_is_known_held_readings_are_theirs_and_looked_at_again(
    database_url: str,
) -> None:
    async with line(database_url) as to:
        device, north, south = await share(to)
        await write(
            to,
            measured(93, NOW - 2 * MINUTE, None),
            measured(94, NOW - MINUTE, 7, suspect=True),
            measured(95, NOW, 7),
            measured(96, NOW - 3 * MINUTE, 1),
        )
        await to.connection.execute("TRUNCATE telemetry.note")
        which = Stretch(device, NOW - timedelta(hours=1), NOW + timedelta(hours=1))
        done = await reassign(
            to.connection, which, south, reason="the guest was south", now=NOW, user_index=7
        )
        assert done.readings == 2
        assert await owners(to) == [
            (96, north, State.OK),
            (93, UNKNOWN, State.SUSPECT),
            (94, south, State.SUSPECT),  # the device itself doubts it
            (95, south, State.OK),
        ]
        assert [row["value"] for row in await held(to)] == [93]
        assert {(row["subject"], row["since"], row["until"]) for row in await to.notes()} == {
            (UNKNOWN, NOW - MINUTE, NOW),
            (south, NOW - MINUTE, NOW),
        }
        # What comes in later under this index is decided as well, within the stretch.
        to.directory.forget()
        await write(to, measured(97, NOW + MINUTE, 7))
        assert (await owners(to))[-1] == (97, south, State.OK)


async def swap(to: Line, *, reason: str = "the devices were swapped") -> tuple[Corrected, Any]:
    await to.send(pack(*(spo2(90 + n, NOW - n * MINUTE) for n in range(5))))
    row = await to.connection.fetchrow("SELECT device, subject FROM telemetry.reading LIMIT 1")
    assert row is not None
    device, north = row
    south = await to.connection.fetchval(
        "SELECT subject FROM registry.client WHERE reference = 'client-south'"
    )
    which = Stretch(device, NOW - 2 * MINUTE, NOW + timedelta(days=1), ("spo2",))
    done = await reassign(to.connection, which, south, reason=reason, now=NOW)
    return done, (device, north, south)


async def test_a_swapped_devices_readings_change_hands_and_what_was_is_kept(
    database_url: str,
) -> None:
    async with line(database_url) as to:
        done, (device, north, south) = await swap(to)
        assert done.readings == 3
        assert await owners(to) == [
            (94, north, 0), (93, north, 0), (92, south, 0), (91, south, 0), (90, south, 0),
        ]  # fmt: skip
        kept = await to.connection.fetch("SELECT * FROM telemetry.corrected_reading")
        assert {(row["subject_before"], row["subject_after"]) for row in kept} == {(north, south)}
        assignments = await to.connection.fetch(
            "SELECT subject, lower(during) AS since, upper(during) AS until"
            "  FROM registry.assignment WHERE device = $1 ORDER BY during",
            device,
        )
        end = NOW + timedelta(days=1)
        assert [tuple(row) for row in assignments] == [
            (north, IN_USE, NOW - 2 * MINUTE), (south, NOW - 2 * MINUTE, end), (north, end, None),
        ]  # fmt: skip
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await to.connection.execute("DELETE FROM telemetry.corrected_reading")


async def test_a_correction_can_be_taken_back_once(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        done, (_, north, _) = await swap(to)
        back = await restore(to.connection, done.correction, reason="they were not", now=NOW)
        assert back.readings == 3
        assert {subject for _, subject, _ in await owners(to)} == {north}
        with pytest.raises(NotFoundError, match="Nothing is left"):
            await restore(to.connection, done.correction, reason="again", now=NOW)
        with pytest.raises(NotFoundError, match="no correction 4711"):
            await restore(to.connection, 4711, reason="?", now=NOW)


async def test_struck_out_readings_stay_with_their_client(database_url: str) -> None:
    async with line(database_url) as to:
        await to.send(pack(spo2(60), spo2(95, NOW - MINUTE)))
        (first, *_) = await to.readings()
        which = Stretch(first["device"], NOW, NOW + MINUTE)
        done = await strike_out(to.connection, which, reason="cold hands", now=NOW)
        assert done.readings == 1
        assert [(value, state) for value, _, state in await owners(to)] == [
            (95, State.OK),
            (60, State.STRUCK_OUT),
        ]
        with pytest.raises(NotFoundError):
            await strike_out(to.connection, which, reason="again", now=NOW)
        # A redelivery neither revives it nor counts as a conflict.
        written = await to.send(pack(spo2(60)))
        assert (written.committed, written.duplicates, written.rejected) == (0, 1, 0)


async def test_a_correction_says_why_where_and_of_what(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        some = Stretch(1, NOW, NOW + MINUTE)
        for which, reason, sentence in (
            (some, "  ", "needs a reason"),
            (Stretch(1, NOW, NOW), "because", "The stretch is empty"),
            (Stretch(1, NOW, NOW + MINUTE, ("charisma",)), "because", "'charisma' is no metric"),
        ):
            with pytest.raises(UserError, match=sentence):
                await strike_out(to.connection, which, reason=reason, now=NOW)
