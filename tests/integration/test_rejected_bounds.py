"""A flood of bad messages, or of calls from nobody, is counted in full and kept within bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.errors import SchemaError
from ingest import quota as bounds
from ingest.quota import MIB, Quota
from ingest.rejected import count_rejected, retry_rejected
from ingest.writer import Writer
from tests.integration.ingest_homes import NOW, Line, line, pack, spo2

SECOND = timedelta(seconds=1)
FLOOD = 50_000
BATCH = 5_000


async def limited(to: Line, quota: Quota) -> None:
    to.writer = Writer(to.connection, quota)
    await to.writer.prepare()


async def kept_of(to: Line, gateway: str) -> tuple[int, int]:
    row = await to.connection.fetchrow(
        "SELECT count(*) AS rows, coalesce(sum(bytes), 0) AS bytes FROM telemetry.rejected "
        "WHERE gateway = $1",
        gateway,
    )
    assert row is not None
    return row["rows"], row["bytes"]


async def test_a_flood_of_one_gateway_is_bounded_and_takes_nothing_from_another(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        quota = Quota(gateway_rows=2_000, gateway_bytes=MIB)
        await limited(to, quota)
        good = 0
        for start in range(0, FLOOD, BATCH):
            bad = [
                to.message(pack(spo2(200), boot="bad", seq=start + n + 1))
                if n % 2
                else to.message(b"{" + b"x" * 500)
                for n in range(BATCH)
            ]
            good += 1
            at = NOW + good * SECOND / 100
            fine = to.message(pack(spo2(95, at), boot="good", seq=good), "gw-south/senml")
            worse = to.message(pack(spo2(99.5e9)), "gw-south/senml")
            written = await to.write(*bad[:2_500], fine, worse, *bad[2_500:])
            assert (written.committed, written.rejected) == (1, BATCH + 1)
        assert len(await to.readings()) == good
        rows, size = await kept_of(to, "gw-north")
        assert rows <= quota.gateway_rows
        assert size <= quota.gateway_bytes
        assert (await kept_of(to, "gw-south"))[0] == good  # those of others are all kept
        counted = await count_rejected(to.connection, gateway="gw-north")
        assert sum(row["count"] for row in counted) == FLOOD
        assert sum(row["kept"] for row in counted) == rows
        # The messages that could be read are settled all the same: their gateway need not repeat.
        ledger = (await to.received())["bad"]
        assert ledger["rejected"] == FLOOD // 2
        stored = await to.connection.fetchval("SELECT pg_total_relation_size('telemetry.rejected')")
        assert stored < 4 * MIB


async def test_room_comes_back_with_what_is_stored_after_a_fix(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        await limited(to, Quota(gateway_rows=3))
        for number in range(5):
            await to.send(pack(spo2(95, NOW + number * SECOND / 100, "watch")))
        assert (await kept_of(to, "gw-north"))[0] == 3
        await to.connection.execute(
            "WITH watch AS (INSERT INTO registry.device (gateway, name, kind) SELECT id, 'watch', "
            "'watch' FROM registry.gateway WHERE name = 'gw-north' RETURNING id) "
            "INSERT INTO registry.assignment (device, subject, during) SELECT watch.id, s.id, "
            "'[2020-01-01,)' FROM watch, registry.subject s WHERE s.kind = 'home' LIMIT 1"
        )
        report = await retry_rejected(to.connection, ManualClock(NOW + SECOND))
        assert (report.committed, report.rejected) == (3, 0)
        used = await to.connection.fetchval(
            "SELECT sum(rows + bytes) FROM telemetry.rejected_quota"
        )
        assert used == 0
        await to.send(pack(spo2(200)))
        assert (await kept_of(to, "gw-north"))[0] == 1
        counted = {row["reason"]: row for row in await count_rejected(to.connection)}
        assert (counted["unknown_device"]["count"], counted["unknown_device"]["kept"]) == (5, 0)


async def test_what_fails_again_keeps_its_place_and_is_not_counted_again(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        quota = Quota(gateway_rows=2)
        await limited(to, quota)
        await to.send(*(pack(spo2(200)) for _ in range(4)))
        for _ in range(2):
            report = await retry_rejected(to.connection, ManualClock(NOW), quota=quota)
            assert (report.tried, report.rejected) == (2, 2)
        (counted,) = await count_rejected(to.connection)
        assert (counted["count"], counted["kept"]) == (4, 2)


async def test_gateways_that_nobody_knows_share_a_quota_and_some_counters(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_NAMES", 10)
    async with line(plain_database_url) as to:
        await limited(to, Quota(gateway_rows=50))
        for start in range(0, 200, 20):
            await to.write(
                *(
                    to.message(pack(spo2(95)), f"invented-{number}/senml")
                    for number in range(start, start + 20)
                )
            )
        assert len(await to.rejected()) == 50
        counts = await to.connection.fetch("SELECT gateway, count FROM telemetry.rejected_count")
        assert sum(row["count"] for row in counts) == 200
        assert len(counts) == 21
        assert {row["gateway"]: row["count"] for row in counts}["(others)"] == 180


async def test_calls_from_nobody_are_bounded_and_the_first_always_passes(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        call = {"n": "toaster/smoke", "v": 1}
        written = await to.send(*(pack(call) for _ in range(200)), topic="who/senml")
        assert (written.committed, written.duplicates) == (20, 180)
        written = await to.send(pack(call), pack({"n": "button/help", "v": 1}), topic="what/senml")
        assert written.committed == 2  # another home, another kind of call
        written = await to.send(
            *(pack({"n": f"toaster-{number}/smoke", "v": 1}) for number in range(200)),
            topic="who/senml",
        )
        assert written.committed == 0  # inventing devices is of no use
        to.clock.advance(11 * SECOND)
        assert (await to.send(pack(call), pack(call), topic="who/senml")).committed == 1
        assert await to.connection.fetchval("SELECT count(*) FROM telemetry.unknown_device") == 23
        # A device of a registered home that nobody has entered is no different.
        assert (await to.send(*(pack(call) for _ in range(30)))).committed == 20


async def test_a_call_in_a_batch_that_failed_passes_when_it_is_tried_again(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        batch = await to.batch([to.message(pack({"n": "toaster/smoke", "v": 1}), "who/senml")])
        await to.connection.execute("ALTER TABLE telemetry.unknown_device RENAME TO away")
        with pytest.raises(SchemaError, match="unknown_device"):
            await to.writer.write(batch, NOW)
        await to.connection.execute("ALTER TABLE telemetry.away RENAME TO unknown_device")
        assert (await to.writer.write(batch, NOW)).committed == 1
