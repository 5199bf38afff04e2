"""What one transaction stores and counts, on every edition."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.database import NOTE_CHANNEL, connect
from core.reading import State
from core.wire import Status, encode
from ingest.instants import micros
from ingest.store import Store
from ingest.writer import UnstorableError, Writer
from tests.integration.ingest_homes import NOW, line, pack, spo2

SECOND = timedelta(seconds=1)


async def test_a_message_is_stored_counted_and_noted(database_url: str) -> None:
    async with line(database_url) as to:
        woken = asyncio.Event()
        await to.connection.add_listener(NOTE_CHANNEL, lambda *_: woken.set())
        written = await to.send(
            pack(spo2(96, NOW - SECOND), spo2(101), spo2(97), boot="b", seq=1),
            pack({"n": "motion/motion", "vb": True}, boot="b", seq=2),
        )
        assert (written.committed, written.duplicates, written.rejected) == (3, 0, 1)
        assert written.receipts == {("gw-north", "b"): [(1, 2)]}

        rows = await to.readings()
        assert [(row["metric_name"], row["value"], row["kind"]) for row in rows] == [
            ("spo2", 96, "client"),
            ("spo2", 97, "client"),
            ("motion", 1, "home"),
        ]
        assert rows[0]["time"] == NOW - SECOND
        assert all(row["received_at"] > NOW and row["state"] == State.OK for row in rows)
        (ledger,) = (await to.received()).values()
        assert [(one.lower, one.upper) for one in ledger["seqs"]] == [(1, 3)]
        assert (ledger["committed"], ledger["duplicates"], ledger["rejected"]) == (3, 0, 1)
        (rejected,) = await to.rejected()
        assert (rejected["reason"], rejected["gateway"], rejected["boot"], rejected["seq"]) == (
            "impossible",
            "gw-north",
            "b",
            1,
        )
        assert rejected["record"]["value"] == 101
        notes = {note["subject"]: note for note in await to.notes()}
        assert set(notes) == {row["subject"] for row in rows}
        note = notes[rows[0]["subject"]]
        assert (note["since"], note["until"]) == (NOW - SECOND, NOW)
        assert not any(note["each_counts"] for note in notes.values())
        status = await to.connection.fetchrow("SELECT * FROM telemetry.gateway_status")
        assert status is not None
        assert status["online"]
        assert status["heard_at"] == rows[2]["received_at"]
        await asyncio.wait_for(woken.wait(), 5)


async def test_a_number_given_out_twice_hides_no_reading(plain_database_url: str) -> None:
    """A receipt names the number, so the gateway forgets both messages."""
    async with line(plain_database_url) as to:
        await to.send(pack(spo2(95), boot="b", seq=1))
        other = await to.send(pack(spo2(88, NOW + SECOND), boot="b", seq=1))
        assert other.committed == 1
        assert {row["value"] for row in await to.readings()} == {95, 88}


async def test_a_message_delivered_again_counts_nowhere_and_is_receipted_again(
    database_url: str,
) -> None:
    async with line(database_url) as to:
        payloads = [pack(spo2(90 + seq), spo2(150), boot="b", seq=seq) for seq in (1, 2)]
        payloads[1] = pack(spo2(95, NOW + SECOND), spo2(150), boot="b", seq=2)
        await to.send(payloads[0])
        notes = len(await to.notes())
        again = await to.send(payloads[0], payloads[0])
        assert (again.committed, again.duplicates, again.rejected) == (0, 0, 0)
        assert again.receipts == {("gw-north", "b"): [(1, 1)]}
        both = await to.send(payloads[0], payloads[1], payloads[1])
        assert (both.committed, both.duplicates, both.rejected) == (1, 0, 1)
        assert both.receipts == {("gw-north", "b"): [(1, 2)]}
        ledger = (await to.received())["b"]
        assert (ledger["committed"], ledger["duplicates"], ledger["rejected"]) == (2, 0, 2)
        assert len(await to.readings()) == 2
        assert len(await to.rejected()) == 2
        assert len(await to.notes()) == notes + 1


async def test_equal_readings_are_duplicates_and_others_conflicts(database_url: str) -> None:
    async with line(database_url) as to:
        await to.send(pack(spo2(96), boot="b", seq=1))
        # In another batch, and within one; the first of them stays.
        later = NOW + SECOND
        written = await to.send(
            pack(spo2(96), spo2(95), boot="b", seq=2),
            pack(spo2(90, later), spo2(90, later), spo2(91, later), boot="c", seq=1),
        )
        assert (written.committed, written.duplicates, written.rejected) == (1, 2, 2)
        assert [row["value"] for row in await to.readings()] == [96, 90]
        rejected = await to.rejected()
        assert [(row["reason"], row["record"]["value"]) for row in rejected] == [
            ("conflict", 95),
            ("conflict", 91),
        ]
        ledgers = await to.received()
        counts = {
            boot: (row["committed"], row["duplicates"], row["rejected"])
            for boot, row in ledgers.items()
        }
        assert counts == {"b": (1, 1, 1), "c": (1, 1, 1)}


async def test_the_same_value_with_another_qualifier_is_a_conflict(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        written = await to.send(pack(spo2(70), spo2(70) | {"qualifier": -1}))
        assert (written.committed, written.rejected) == (1, 1)


async def test_receipts_repeat_the_highest_ranges(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        for seq in (1, 2, 3, 7, 9):
            written = await to.send(pack(spo2(90, NOW + seq * SECOND), boot="b", seq=seq))
        assert written.receipts == {("gw-north", "b"): [(1, 3), (7, 7), (9, 9)]}
        many = [pack(spo2(90, NOW + seq * SECOND), boot="b", seq=seq) for seq in range(11, 251, 2)]
        await to.send(*many)
        written = await to.send(pack(spo2(90, NOW - SECOND), boot="b", seq=5))
        ranges = written.receipts["gw-north", "b"]
        assert len(ranges) == 65
        assert ranges[0] == (5, 5)
        assert ranges[-1] == (249, 249)


async def test_two_writers_with_the_same_messages_store_and_count_them_once(
    database_url: str,
) -> None:
    async with line(database_url) as to:
        other_connection = await connect(database_url)
        other = Writer(other_connection)
        await other.prepare()
        for round_ in range(10):
            messages = [
                to.message(
                    pack(spo2(90, NOW - (100 * round_ + n) * SECOND), boot=f"b{n % 5}",
                         seq=10 * round_ + n // 5 + 1),
                    f"gw-{home}/senml",
                )
                for n in range(25)
                for home in ("north", "south")
            ]  # fmt: skip
            forward, backward = await to.batch(messages), await to.batch(reversed(messages))
            one, two = await asyncio.gather(
                to.writer.write(forward, NOW), other.write(backward, NOW)
            )
            assert one.committed + two.committed == 50
            assert one.duplicates + two.duplicates == 0
        await other_connection.close()
        ledgers = await to.connection.fetch("SELECT * FROM telemetry.received")
        assert sum(row["committed"] for row in ledgers) == 500 == len(await to.readings())


async def test_a_batch_is_stored_whole_or_not_at_all(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        await to.connection.execute("ALTER TABLE telemetry.note ADD CHECK (subject < 0)")
        with pytest.raises(UnstorableError):
            await to.send(pack(spo2(96), spo2(300), boot="b", seq=1))
        for table in ("reading", "rejected", "received", "note", "gateway_status"):
            assert await to.connection.fetchval(f"SELECT count(*) FROM telemetry.{table}") == 0


# Unknown gateways, broken messages.


async def test_an_unknown_gateways_messages_are_kept_once_and_receipted(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        payload = pack(spo2(96), boot="b", seq=1)
        for _ in range(2):
            written = await to.send(payload, topic="stranger/senml")
            assert written.receipts == {("stranger", "b"): [(1, 1)]}
        (rejected,) = await to.rejected()
        assert (rejected["reason"], rejected["gateway"]) == ("unknown_gateway", "stranger")
        assert (await to.received())["stranger/b"]["rejected"] == 1


async def test_what_cannot_be_read_is_kept_with_its_payload(database_url: str) -> None:
    async with line(database_url) as to:
        payloads = [
            b"\xff\x00\xfe",
            b'[{"boot":"b","seq":3,"n":"oximeter/spo2","v":"x"}]',
            b'{"nul":"\\u0000"}',
            b"[" + b" " * 5_000_000,
            b'[{"n":"oxi\\u0000meter/spo2","u":"%","v":96}]',
            b'[{"n":"oximeter/spo2","u":"%","v":1e400}]',
        ]
        written = await to.send(*payloads)
        assert written.rejected == len(payloads)
        assert written.receipts == {("gw-north", "b"): [(3, 3)]}
        rejected = await to.rejected()
        assert [row["reason"] for row in rejected if row["payload"]] == [
            "unreadable", "not_senml", "not_senml", "too_large", "not_senml",
        ]  # fmt: skip
        assert [row["size"] for row in rejected if row["reason"] == "too_large"] == [5_000_001]
        assert all(len(row["payload"] or b"") <= 64 * 1024 for row in rejected)
        assert rejected[0]["payload"] == payloads[0]
        await to.send(pack(spo2(96)), topic="no/such/\0source")


async def test_a_source_nobody_understands_is_kept(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        await to.send(b"1", topic="gw-north/toaster/crumbs")
        (rejected,) = await to.rejected()
        assert rejected["reason"] == "unknown_source"
        assert "toaster" in rejected["detail"]


# A message that the database refuses.


@pytest.mark.parametrize("seqs", [True, False])
async def test_one_poisonous_message_is_rejected_and_the_others_stored(
    database_url: str, seqs: bool
) -> None:
    async with line(database_url) as to:
        await to.connection.execute(
            "ALTER TABLE telemetry.reading ADD CONSTRAINT poison CHECK (value <> 66)"
        )
        payloads = [
            pack(
                spo2(66 if seq == 5 else 90, NOW + seq * SECOND),
                {"n": "button/help", "v": 1} if seq == 5 else spo2(91, NOW - seq * SECOND),
                boot="b" if seqs else None,
                seq=seq,
            )
            for seq in range(1, 12)
        ]
        store = Store(database_url, ManualClock(NOW))
        batch = await to.batch([to.message(payload) for payload in payloads])
        written = await store.store(batch)
        await store.close()
        assert sum(one.committed for one in written) == 21
        assert sum(one.rejected for one in written) == 1
        (rejected,) = await to.rejected()
        assert rejected["reason"] == "not_storable"
        assert rejected["record"]["value"] == 66
        if seqs:
            ledger = (await to.received())["b"]
            assert [(one.lower, one.upper) for one in ledger["seqs"]] == [(1, 12)]
            assert (ledger["committed"], ledger["rejected"]) == (21, 1)


# Announcements.


async def test_announcements_and_wills(database_url: str) -> None:
    async with line(database_url) as to:
        status = "SELECT online, boot, heard_at FROM telemetry.gateway_status"

        async def announce(said: Status | bytes, **more: bool) -> None:
            payload = said if isinstance(said, bytes) else encode(said)
            to.clock.advance(timedelta(minutes=1))
            await to.write(to.message(payload, "gw-north/status", **more))

        await announce(Status(online=True, boot="b", seq=4))
        row = await to.connection.fetchrow(status)
        assert row is not None
        assert (row["online"], row["boot"]) == (True, "b")
        heard = row["heard_at"]
        ledger = (await to.received())["b"]
        assert (ledger["announced"], ledger["seqs"]) == (4, [])

        await announce(Status(online=False))
        row = await to.connection.fetchrow(status)
        assert row is not None
        assert (row["online"], row["boot"], row["heard_at"]) == (False, "b", heard)

        await announce(Status(online=True, boot="b", seq=3), retained=True)
        row = await to.connection.fetchrow(status)
        assert row is not None
        assert not row["online"]  # the broker's memory is not the gateway's voice

        await to.send(pack(spo2(96, to.clock.now()), boot="b", seq=1))
        row = await to.connection.fetchrow(status)
        assert row is not None
        assert (row["online"], row["boot"]) == (True, "b")
        assert row["heard_at"] > heard
        assert (await to.received())["b"]["announced"] == 4

        await announce(b"")
        await announce(b'{"online":"maybe"}')
        (rejected,) = await to.rejected()
        assert rejected["reason"] == "bad_status"


async def test_of_two_workers_the_later_announcement_stands(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        other = Writer(to.connection)
        await other.prepare()
        topic = "gw-north/status"
        older = to.message(encode(Status(online=True, boot="b", seq=4)), topic)
        will = to.message(encode(Status(online=False)), topic)
        await to.write(will)
        await other.write(await to.batch([older]), to.clock.now())
        status = "SELECT online, boot, heard_at FROM telemetry.gateway_status"
        row = await to.connection.fetchrow(status)
        assert row is not None
        assert not row["online"]
        # What this worker wrote last is not what stands.
        back = to.message(encode(Status(online=True, boot="b", seq=5)), topic)
        await other.write(await to.batch([back]), to.clock.now())
        row = await to.connection.fetchrow(status)
        assert row is not None
        assert (row["online"], row["boot"]) == (True, "b")


# Never filtered.


async def test_a_call_in_conflict_with_a_stored_zero_is_stored_at_its_arrival(
    database_url: str,
) -> None:
    async with line(database_url) as to:
        at = NOW.timestamp() - 60
        for value in (0, 1, 1):
            written = await to.send(pack({"n": "button/help", "v": value, "t": at}))
            assert (written.committed, written.rejected) == (1, 0)
        rows = await to.readings()
        assert [(row["value"], row["state"]) for row in rows] == [
            (0, State.OK),
            (1, State.SUSPECT),
            (1, State.SUSPECT),
        ]
        assert [row["time"] == row["received_at"] for row in rows] == [False, True, True]
        notes = await to.notes()
        assert notes[1]["since"] == rows[1]["time"]
        assert all(note["each_counts"] for note in notes)


async def test_a_call_delivered_twice_is_stored_once(database_url: str) -> None:
    async with line(database_url) as to:
        at = NOW.timestamp() - 60
        assert (await to.send(pack({"n": "button/help", "v": 1, "t": at}))).committed == 1
        assert (await to.send(pack({"n": "button/help", "v": 1, "t": at}))).duplicates == 1
        numbered = pack({"n": "button/fall", "v": 1, "t": 1}, boot="b", seq=1)
        assert (await to.send(numbered)).committed == 1
        assert (await to.send(numbered)).committed == 0
        assert len(await to.readings()) == 2


async def test_a_gateway_that_counts_wrongly_cannot_hide_a_call(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        await to.send(pack(spo2(96), boot="b", seq=1))
        call = pack({"n": "button/help", "v": 1, "t": NOW.timestamp()}, spo2(80), boot="b", seq=1)
        written = await to.send(call)
        assert (written.committed, written.rejected) == (1, 0)
        assert (await to.send(call)).committed == 0
        rows = await to.readings()
        assert sorted(row["metric_name"] for row in rows) == ["help", "spo2"]


async def test_unknown_devices_calls_at_one_moment_are_all_stored(database_url: str) -> None:
    async with line(database_url) as to:

        def call(topic: str) -> object:
            message = to.message(pack({"n": "toaster/help", "v": 1}), topic)
            message.arrival = micros(NOW)
            return message

        messages = [call(f"{name}/senml") for name in ("gw-north", "gw-south", "who", "what")]
        written = await to.write(*messages)  # type: ignore[arg-type]  # they are messages
        assert written.committed + written.duplicates == 4
        rows = await to.readings()
        homes = [row["home"] for row in rows]
        assert {"north", "south", None} <= set(homes)
        assert len({row["time"] for row in rows}) == len(rows)
        assert {note["subject"] for note in await to.notes()} == {row["subject"] for row in rows}
        assert {row["device"] for row in rows} == {0}
        # A person who looks for the caller has what the wire said to go by.
        named = await to.connection.fetch("SELECT * FROM telemetry.unknown_device")
        assert {(row["metric"], row["time"]) for row in named} == {
            (row["metric"], row["time"]) for row in rows
        }
        assert {row["gateway"] for row in named} <= {"gw-north", "gw-south", "who", "what"}
        assert {row["device"] for row in named} == {"toaster"}


async def test_a_transaction_whose_outcome_was_not_heard_stores_a_call_once(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        zero = pack({"n": "button/help", "v": 0, "t": NOW.timestamp()})
        await to.send(zero)
        batch = await to.batch(
            [
                to.message(pack({"n": "button/help", "v": 1, "t": NOW.timestamp()})),
                to.message(pack({"n": "toaster/smoke", "v": 1})),
                to.message(pack({"n": "toaster/smoke", "v": 1}), "who/senml"),
                to.message(b'[{"n":"button/fall","v":1'),
            ]
        )
        assert (await to.writer.write(batch, NOW)).committed == 4
        again = await to.writer.write(batch, NOW)
        assert (again.committed, again.duplicates) == (0, 4)


async def test_a_change_of_the_registry_is_seen_after_it_is_forgotten(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        assert (await to.send(pack(spo2(96)), topic="late/senml")).rejected == 1
        await to.connection.execute(
            "UPDATE registry.gateway SET name = 'late' WHERE name = 'gw-south'"
        )
        assert (await to.send(pack(spo2(96)), topic="late/senml")).rejected == 1
        to.directory.forget()
        assert (await to.send(pack(spo2(96)), topic="late/senml")).committed == 1
