"""Which messages are missing, by gateway, boot and day; and bounds that a hostile gateway meets."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest

from core.wire import Status, encode
from ingest import writer
from ingest.completeness import completeness, completeness_by_day
from tests.integration.ingest_homes import NOW, Line, line, pack, spo2
from tests.support.commands import saimi

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
FIRST = date(2026, 5, 1)


async def numbered(to: Line, seqs: list[int], *, boot: str = "b", age: timedelta = 0 * DAY) -> None:
    """Messages with these numbers, of readings that are `age` old."""
    await to.send(
        *(
            pack(spo2(95, NOW - age + seq % 1_000_000 * SECOND / 1_000), boot=boot, seq=seq)
            for seq in seqs
        )
    )


async def by_day(to: Line, gateway: str = "gw-north") -> dict[Any, tuple[int, int, Any]]:
    rows = await completeness_by_day(to.connection, gateway=gateway)
    return {row["day"]: (row["expected"], row["received"], row["gaps"]) for row in rows}


async def of(to: Line, gateway: str = "gw-north") -> dict[str, Any]:
    (row,) = await completeness(to.connection, gateway=gateway)
    return row


async def test_what_is_missing_is_named_by_day(database_url: str) -> None:
    async with line(database_url) as to:
        await numbered(to, [1, 2, 4], age=2 * DAY)
        await numbered(to, [7, 8], age=DAY)
        await to.write(to.message(encode(Status(True, "b", 10)), "gw-north/status"))
        assert await by_day(to) == {
            FIRST - 2 * DAY: (6, 3, [(3, 3), (5, 6)]),
            FIRST - DAY: (4, 2, [(9, 10)]),
        }
        # What comes late is of its own day, whenever it comes, and tells where that began.
        await numbered(to, [3], age=2 * DAY)
        await numbered(to, [6, 9], age=DAY)
        assert await by_day(to) == {
            FIRST - 2 * DAY: (5, 4, [(5, 5)]),
            FIRST - DAY: (5, 4, [(10, 10)]),
        }
        row = await of(to)
        assert (row["expected"], row["received"], row["missing"], row["gaps"]) == (10, 8, 2, 2)
        assert row["percent"] == pytest.approx(80)


async def test_measurements_sent_late_take_nothing_from_the_days_between(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        await numbered(to, [1, 2], age=3 * DAY)
        await numbered(to, [3, 4], age=2 * DAY)
        await numbered(to, [5], age=20 * DAY)  # a cuff gives what it has kept
        await numbered(to, [6])
        await to.send(pack({"n": "oximeter/spo2", "u": "%", "v": 95}, boot="b", seq=7))  # undated
        assert await by_day(to) == {
            FIRST - 3 * DAY: (2, 2, []),
            FIRST - 2 * DAY: (3, 3, []),
            FIRST: (2, 2, []),
        }


async def test_what_is_not_numbered_is_not_provable(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        await to.send(pack(spo2(95)), b"x")
        await to.write(to.message(encode(Status(True)), "gw-south/status"))
        north, south = await of(to), await of(to, "gw-south")
        assert (north["percent"], north["unnumbered"]) == (None, ["senml"])
        assert (south["percent"], south["unnumbered"]) == (None, [])
        await numbered(to, [1])
        assert (await of(to))["percent"] == 100
        assert (await of(to))["unnumbered"] == ["senml"]


async def test_numbers_at_random_do_not_make_a_ledger_grow(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_GAPS", 100)
    chosen = random.Random(1)
    async with line(plain_database_url) as to:
        sent: set[int] = set()
        for _ in range(12):
            seqs = [chosen.randrange(1, 10**9) for _ in range(90)]
            written = await to.send(
                *(pack(spo2(95, NOW - seq * SECOND / 1000), boot="b", seq=seq) for seq in seqs)
            )
            sent.update(seqs)
            assert written.committed == 90
            named = written.receipts["gw-north", "b"]
            assert all(first == last for first, last in named)
            assert {first for first, _ in named} <= sent
            assert set(seqs) <= {first for first, _ in named}
            ledger = (await to.received())["b"]
            assert len(ledger["seqs"]) <= 100
        kept = {one.lower for one in ledger["seqs"]}
        assert kept == {seq for seq in sent if seq >= ledger["floor"]}
        below = len([seq for seq in sent if seq < ledger["floor"]])
        assert ledger["settled_below"] + ledger["late_below"] == below
        assert ledger["late_below"] > 0
        # In all, what is known to be here is here, and what came below the floor is said.
        row = await of(to)
        assert row["received"] + row["late_below"] == len(sent)
        assert row["expected"] == max(sent)
        assert len(await to.readings()) == len(sent)

        # A repeat below the floor is stored once all the same.
        seq = min(sent)
        again = await to.send(pack(spo2(95, NOW - seq * SECOND / 1000), boot="b", seq=seq))
        assert (again.committed, again.duplicates) == (0, 1)
        assert (seq, seq) in again.receipts["gw-north", "b"]


async def test_a_boot_a_message_does_not_make_the_ledgers_grow(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_BOOTS", 20)
    async with line(plain_database_url) as to:
        await numbered(to, [1, 2, 4], boot="first")
        for batch in range(6):
            to.clock.advance(SECOND)
            for topic in ("gw-south/senml", "who/senml"):
                await to.write(
                    *(
                        to.message(
                            pack(spo2(95, NOW + batch * SECOND), boot=f"{batch}.{n}", seq=2**61),
                            topic,
                        )
                        for n in range(50)
                    )
                )
        assert await to.connection.fetchval("SELECT count(*) FROM telemetry.received") <= 2 * 71 + 1
        assert await to.connection.fetchval("SELECT sum(boots) FROM telemetry.received") == 601
        sums = await to.connection.fetch(
            "SELECT sum(committed) AS committed, sum(duplicates) AS duplicates, sum(rejected) "
            "AS rejected FROM telemetry.received"
        )
        assert tuple(sums[0]) == (3 + 6, 294, 300)
        assert (await of(to))["percent"] == 75  # another gateway's boots are its own
        row = await of(to, "gw-south")
        assert row["received"] == 300
        assert row["percent"] < 1


async def test_the_commands_say_what_is_missing_and_never_round_it_away(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        await numbered(to, [seq for seq in range(1, 100_001) if seq != 7])
    settings = {"SAIMI_DATABASE_URL": plain_database_url}
    listed = saimi("gateway", "list", settings=settings)
    (north,) = [row for row in listed.out.splitlines() if row.startswith("gw-north")]
    (south,) = [row for row in listed.out.splitlines() if row.startswith("gw-south")]
    assert "99.99 %" in north
    assert "not provable" in south
    one = saimi("gateway", "completeness", "gw-north", "--json", settings=settings).report
    assert (one["missing"], one["days"][0]["gaps"]) == (1, [[7, 7]])
    status = saimi("db", "status", "--json", settings=settings).report
    assert (status["touched"], status["removed_before"]) == (1, None)
