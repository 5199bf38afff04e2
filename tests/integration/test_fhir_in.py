"""Observations in: admitted as a gateway's are; what went out comes in equal to the last digit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.catalogue import catalogue
from core.reading import State
from tests.integration.fhir_in_support import Served, entries, installation
from tests.integration.fhir_support import Api, found, link, said
from tests.integration.web_support import NOW, County
from tests.support.databases import Databases
from web.fhir.codes import PANEL_METRICS


@pytest.fixture
async def served(plain_database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with installation(plain_database_url, tmp_path / "keys.json") as one:
        yield one


async def test_an_observation_is_stored_once_and_found_where_it_says(served: Served) -> None:
    api = served.api()
    told = await api.post("Observation", served.observation())
    assert said(told) == "Stored."
    where = api.headers["Location"].partition("/fhir/R4/")[2]
    assert (await api.get(where))["valueQuantity"]["value"] == 61.5
    again = await api.post("Observation", served.observation(), status=200)
    assert "before" in said(again)
    assert [row[:4] for row in await served.readings()] == [("aino", "gw-1", "monitor-1", "pulse")]
    other = await api.post("Observation", served.observation(value=62.0), status=409)
    assert "Another value" in said(other)
    looks = await served.place.looks()
    assert ("nurse", "aino", "fhir", "care") in looks
    notes = await served.place.connection.fetchval("SELECT count(*) FROM telemetry.note")
    assert notes == 1  # the alert engine hears of it


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"code": {"coding": [{"system": "http://loinc.org", "code": "1-1"}]}}, 422, "LOINC 1-1"),
        ({"valueQuantity": {"value": 60, "code": "kg"}}, 422, "was given in 'kg'"),
        ({"valueQuantity": {"value": 900, "code": "/min"}}, 422, "physically impossible"),
        ({"status": "entered-in-error"}, 422, "entered in error"),
        ({"effectiveDateTime": "2027-01-01T00:00:00Z"}, 422, "ahead"),
        ({"effectiveDateTime": "2010-01-01"}, 422, "never set"),
        ({"subject": {"reference": "Patient/nobody"}}, 404, "no such Patient"),
        ({"subject": None}, 422, "whose it is"),
        ({"device": {"reference": "Device/99999"}}, 422, "no device"),
        ({"device": {"display": "somewhere"}}, 422, "no device"),
        ({"device": None}, 422, "register it"),
        ({"resourceType": "Patient"}, 422, "Only Observations"),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_its_reason(
    served: Served, more: dict[str, Any], status: int, words: str
) -> None:
    told = await served.api().post("Observation", served.observation(**more), status=status)
    assert words in said(told)
    assert await served.readings() == []


async def test_another_persons_device_is_not_taken(served: Served) -> None:
    berta = await served.place.pseudonym("berta")
    wrong = served.observation(subject={"reference": f"Patient/{berta}"})
    await served.api().post("Observation", wrong, status=404)
    theirs = served.observation(
        device={"identifier": {"system": "urn:saimi:device", "value": "gw-2/monitor-1"}}
    )
    await served.api().post("Observation", theirs, status=422)
    await served.have_both_in_care("nurse")
    told = await served.api().post("Observation", wrong, status=422)
    assert "wrong person" in said(told)
    assert await served.readings() == []


async def test_without_a_device_it_goes_by_the_client_once_that_is_registered(
    served: Served,
) -> None:
    await served.place.connection.execute(
        "WITH d AS (INSERT INTO registry.device (gateway, name, kind)"
        " SELECT id, $1, 'entered' FROM registry.gateway WHERE name = 'gw-1' RETURNING id)"
        " INSERT INTO registry.assignment (device, subject, during)"
        " SELECT d.id, $2, tstzrange($3, NULL) FROM d",
        f"Patient/{served.aino}", await served.place.subject("aino"), NOW - timedelta(days=1),
    )  # fmt: skip
    entered = served.observation(device=None)
    del entered["device"]
    await served.api().post("Observation", entered)
    assert [row[2] for row in await served.readings()] == [f"Patient/{served.aino}"]


async def test_scopes_and_cross_site_requests_are_held_off(served: Served) -> None:
    refused = await served.api(scope="user/*.rs").post(
        "Observation", served.observation(), status=403
    )
    assert "storing Observation" in said(refused)
    await Api(served.session, None).post("Observation", served.observation(), status=401)
    await served.api().post("Patient", {}, status=405)
    assert "no JSON" in said(await served.api().post("Observation", b"{", status=400))
    assert "resourceType" in said(await served.api().post("Observation", b"[]", status=400))
    await served.api().post("Observation", b"[" * 100_000, status=400)
    await served.api().post("Observation", b" " * (4 * 1024 * 1024 + 1), status=413)
    assert await served.readings() == []


async def test_a_transaction_is_stored_whole_or_not_at_all(served: Served) -> None:
    good, bad = served.observation(), served.observation("9279-1", 9000.0)
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries(good, bad)}
    refused = await served.api().post("", bundle, status=422)
    assert any("impossible" in one["details"]["text"] for one in refused["issue"])
    assert await served.readings() == []
    nobody = served.observation(subject={"reference": "Patient/nobody"})
    refused = await served.api().post("", bundle | {"entry": entries(good, nobody)}, status=422)
    assert refused["issue"][-1]["expression"] == ["Bundle.entry[1]"]
    assert await served.readings() == []
    batch = await served.api().post("", bundle | {"type": "batch"}, status=200)
    assert [one["response"]["status"] for one in batch["entry"]] == ["201", "422"]
    assert len(await served.readings()) == 1
    both = bundle | {"entry": entries(good, served.observation("9279-1", 17.0))}
    whole = await served.api().post("", both, status=200)
    assert [one["response"]["status"] for one in whole["entry"]] == ["200", "201"]


async def test_a_call_for_help_in_a_transaction_that_fails_reaches_people(served: Served) -> None:
    call = served.observation(
        code={"coding": [{"system": "urn:saimi:metric", "code": "fall"}]}, valueBoolean=True
    )
    del call["valueQuantity"]
    bad = served.observation("9279-1", 9000.0)
    told = await served.api().post(
        "", {"resourceType": "Bundle", "type": "transaction", "entry": entries(call, bad)},
        status=200,
    )  # fmt: skip
    assert [one["response"]["status"] for one in told["entry"]] == ["201", "422"]
    assert [row[3] for row in await served.readings()] == ["fall"]


async def test_what_went_out_comes_in_again_equal_to_the_last_digit_and_unit(
    served: Served, plain_databases: Databases, tmp_path: Path
) -> None:
    """Every metric of the catalogue, odd digits, odd microseconds, qualifiers and doubt, into an
    installation that has the same homes and no readings, where clients have other pseudonyms."""
    await put_some_of_everything(served.place)
    before = await served.readings()
    out = await everything(served)
    values = sum(len(one.get("component", "1")) for one in out)
    assert values == len(before) == 3 * len(catalogue().by_id)
    url = await asyncio.to_thread(plain_databases.create)
    async with installation(url, tmp_path / "other.json") as other:
        assert await other.readings() == []
        assert other.aino != served.aino
        moved = [one | {"subject": {"reference": f"Patient/{other.aino}"}} for one in out]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries(*moved)}
        told = await other.api().post("", bundle, status=200)
        assert {one["response"]["status"] for one in told["entry"]} == {"201"}
        assert await other.readings() == before
        assert without_ids(await everything(other)) == without_ids(moved)
    await asyncio.to_thread(plain_databases.drop, url)


async def put_some_of_everything(place: County) -> None:
    """Three readings of each metric of the catalogue."""
    subject = await place.subject("aino")
    number = await place.connection.fetchval(
        "SELECT d.id FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway"
        " WHERE d.name = 'monitor-1' AND g.name = 'gw-1'"
    )
    rows = []
    for seconds, metric in enumerate(catalogue()):
        low, high = metric.possible
        if metric.name in PANEL_METRICS:
            seconds = 0  # a cuff's three values are of one moment
        for step in range(3):
            at = NOW - timedelta(hours=step + 1, seconds=seconds, microseconds=123_457)
            value, qualifier = low + (high - low) * (0.1 + 0.3 * step) / 7, (0, -1, 1)[step]
            if metric.codes:
                value, qualifier = float(step % len(metric.codes)), 0
            state = State.SUSPECT if step == 1 and metric.kind == "body" else State.OK
            if metric.name in PANEL_METRICS:
                state = State.OK
            rows.append((at, at, value, number, subject, metric.id, qualifier, int(state)))
    await place.connection.copy_records_to_table(
        "reading", schema_name="telemetry", records=rows,
        columns=["time", "received_at", "value", "device", "subject", "metric", "qualifier",
                 "state"],
    )  # fmt: skip


async def everything(served: Served) -> list[dict[str, Any]]:
    """The Observations of all pages of $everything."""
    out: list[dict[str, Any]] = []
    where: str | None = f"Patient/{served.aino}/$everything?_count=100"
    while where is not None:
        page = await served.api().get(where)
        out += [one for one in found(page) if one["resourceType"] == "Observation"]
        where = link(page, "next")
    return out


def without_ids(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what a database numbers by itself, and when it was received."""
    return [
        {key: value for key, value in one.items() if key not in ("id", "issued", "device")}
        for one in some
    ]


async def test_what_was_struck_out_is_not_brought_in_again_as_if_it_held(served: Served) -> None:
    await served.api().post("Observation", served.observation())
    await served.place.connection.execute("UPDATE telemetry.reading SET state = 2")
    (out,) = await everything(served)
    await served.place.connection.execute("TRUNCATE telemetry.reading")
    told = await served.api().post("Observation", out, status=422)
    assert "entered in error" in said(told)
    assert await served.readings() == []
