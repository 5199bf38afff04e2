"""Listing what was rejected, and trying it again after a fix."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.reading import State
from ingest import rejected
from ingest.decoders import SOURCES, fhir_codes, senml
from ingest.rejected import RetryReport, count_rejected, list_rejected, retry_rejected
from tests.integration.ingest_homes import NOW, Line, line, pack, spo2

SECOND = timedelta(seconds=1)


async def retry(to: Line, *, reason: str | None = None) -> RetryReport:
    clock = ManualClock(NOW + timedelta(days=1))
    return await retry_rejected(to.connection, clock, reason=reason)


async def test_they_are_listed_newest_first_and_counted_by_reason(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        await to.send(pack(spo2(101), spo2(102), boot="b", seq=1), b"x")
        await to.send(pack(spo2(96)), topic="stranger/senml")
        listed = await list_rejected(to.connection)
        assert [row["reason"] for row in listed] == [
            "unknown_gateway", "impossible", "impossible", "unreadable",
        ]  # fmt: skip
        assert listed[1]["record"]["value"] == 102
        assert "102 % is physically impossible" in listed[1]["detail"]
        assert (listed[1]["boot"], listed[1]["seq"]) == ("b", 1)
        assert len(await list_rejected(to.connection, most=2)) == 2
        assert len(await list_rejected(to.connection, gateway="stranger")) == 1
        counted = await count_rejected(to.connection, reason="impossible")
        assert [(row["gateway"], row["count"]) for row in counted] == [("gw-north", 2)]


async def test_after_a_fix_they_are_stored_with_their_times_and_counted_anew(
    database_url: str,
) -> None:
    async with line(database_url) as to:
        watch = "watch"
        await to.send(
            pack(spo2(90, NOW - SECOND, watch), spo2(91), spo2(300, NOW, watch), boot="b", seq=1)
        )
        await to.send(pack(spo2(95, NOW - 2 * SECOND), boot="b", seq=1), topic="gw-west/senml")
        undated = pack({"n": "oximeter/spo2", "u": "%", "v": 93, "t": -5})
        await to.send(undated, topic="gw-west/senml")
        assert len(await to.readings()) == 1

        report = await retry(to)
        assert (report.tried, report.committed, report.rejected) == (4, 0, 4)
        assert len(await to.rejected()) == 4

        await to.connection.execute(
            """
            UPDATE registry.gateway SET name = 'gw-west' WHERE name = 'gw-south';
            WITH watch AS (INSERT INTO registry.device (gateway, name, kind)
                           SELECT id, 'watch', 'watch' FROM registry.gateway
                            WHERE name = 'gw-north' RETURNING id)
            INSERT INTO registry.assignment (device, subject, during)
            SELECT watch.id, subject.id, '[2020-01-01,)' FROM watch, registry.subject
             WHERE kind = 'home' LIMIT 1;
            """
        )
        arrivals = {row["record"]["value"]: row["received_at"] for row in await to.rejected()}
        notes = len(await to.notes())
        report = await retry(to)
        assert (report.tried, report.committed, report.duplicates, report.rejected) == (4, 3, 0, 1)
        rows = {row["value"]: row for row in await to.readings()}
        assert set(rows) == {90, 91, 93, 95}
        assert rows[90]["time"] == NOW - SECOND
        assert rows[93]["time"] == arrivals[93] - 5 * SECOND
        assert all(rows[value]["received_at"] == at for value, at in arrivals.items() if value < 99)
        (left,) = await to.rejected()
        assert (left["reason"], left["received_at"]) == ("impossible", arrivals[300])
        assert (left["boot"], left["seq"]) == ("b", 1)
        assert len(await to.notes()) > notes

        ledgers = {
            boot: (row["committed"], row["duplicates"], row["rejected"])
            for boot, row in (await to.received()).items()
        }
        assert ledgers == {"b": (2, 0, 1), "gw-west/b": (1, 0, 0)}


async def test_whole_messages_are_decoded_again(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with line(plain_database_url) as to:
        await to.send(pack(spo2(96)), topic="gw-north/toaster")
        await to.send(b"[" * 200_000, b"x", topic="gw-north/toaster")  # cut off: cannot be tried
        assert (await retry(to)).rejected == 2
        monkeypatch.setitem(SOURCES, "toaster", senml.SOURCE._replace(name="toaster"))
        report = await retry(to, reason="unknown_source")
        assert (report.tried, report.committed, report.rejected) == (2, 1, 1)
        assert [row["reason"] for row in await to.rejected()] == ["unknown_source", "unreadable"]


async def test_a_call_that_was_stored_at_its_arrival_is_not_stored_again(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        await to.send(b'[{"n":"button/help","v":1')
        report = await retry(to)
        assert (report.tried, report.committed, report.duplicates) == (1, 0, 1)
        (row,) = await to.readings()
        assert row["state"] == State.SUSPECT


async def test_one_that_the_database_refuses_does_not_hold_up_the_others(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejected, "_CHUNK", 4)
    async with line(plain_database_url) as to:
        values = list(range(80, 90))
        await to.send(*(pack(spo2(v, NOW - v * SECOND, device="watch")) for v in values))
        await to.connection.execute(
            """
            UPDATE registry.device SET name = 'watch' WHERE name = 'oximeter';
            ALTER TABLE telemetry.reading ADD CHECK (value NOT IN (82, 87));
            """
        )
        report = await retry(to)
        assert (report.tried, report.committed, report.rejected) == (10, 8, 2)
        assert sorted(row["record"]["value"] for row in await to.rejected()) == [82, 87]


async def test_a_time_that_no_calendar_has_does_not_hold_up_the_others(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        endless = {"n": "oximeter/spo2", "u": "%", "v": 95, "bt": 1.7e308, "t": 1.7e308}
        await to.send(pack(endless), pack(spo2(90, device="watch")))
        await to.connection.execute(
            "UPDATE registry.device SET name = 'watch' WHERE name = 'oximeter'"
        )
        report = await retry(to)
        assert (report.tried, report.committed, report.rejected) == (2, 1, 1)


async def test_a_value_beside_others_in_a_bundle_is_listed_and_read_when_its_code_is_known(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def observed(code: str, value: float, unit: str) -> dict[str, object]:
        return {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "effectiveDateTime": (NOW - SECOND).isoformat(),
            "device": {"display": "oximeter"},
            "valueQuantity": {"value": value, "code": unit},
        }

    entries = [
        {"resource": observed("59408-5", 96, "%")},
        {"resource": observed("9272-6", 9, "{score}")},
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    async with line(plain_database_url) as to:
        await to.send(json.dumps(bundle).encode(), topic="gw-north/fhir")
        assert [row["value"] for row in await to.readings()] == [96]
        (kept,) = await list_rejected(to.connection)
        assert kept["reason"] == "unknown_metric"
        assert "9272-6" in kept["detail"]
        assert (kept["record"]["value"], kept["record"]["unit"]) == (9, "{score}")
        assert (await retry(to)).rejected == 1
        monkeypatch.setitem(fhir_codes._MEANINGS, ("loinc", "9272-6"), "coma_score")
        assert (await retry(to)).committed == 1
        assert await to.rejected() == []
        read = {row["value"]: row for row in await to.readings()}[9]
        assert (read["metric_name"], read["time"]) == ("coma_score", NOW - SECOND)
