"""What gateways say in foreign formats is decoded to what was meant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.catalogue import catalogue
from gateway_sim.county import County
from gateway_sim.formats import FORMATS, as_told, formats_of
from gateway_sim.formats.gatt import Gatt
from gateway_sim.formats.told import Told
from gateway_sim.plan import make_plan
from gateway_sim.production import Production
from gateway_sim.reading import Reading
from gateway_sim.scenario import load_scenario
from ingest.decoders import decode

START = datetime(2026, 1, 15, 4, tzinfo=UTC)
ZERO = START.timestamp()
COUNTY = County(7, 8, monitors=0.5)
Said = tuple[str, str, float, int, float]


def speaking(source: str) -> tuple[list[Told], set[str]]:
    """A day of all homes as a source tells it, and the kinds of device that spoke."""
    plan = make_plan(COUNTY, load_scenario("demo"), START)
    told: list[Told] = []
    for number, readings in Production(COUNTY, plan).between(ZERO, ZERO + 86_400).items():
        home = COUNTY.homes[number]
        spoken = FORMATS[source](number, home.devices)
        told += [*spoken.greeting(), *spoken.tell(readings)]
    return told, {reading.metric for one in told for reading in one.readings}


def decoded(source: str, told: list[Told]) -> list[list[Said]]:
    """What ingest makes of each message that has a reading."""
    definitions: dict[str, Any] = {}
    found = []
    for one in told:
        arrival = one.readings[0].time if one.readings else ZERO
        result = decode(source, one.rest, one.payload, arrival, definitions)
        definitions.update(result.learned)
        rows = []
        for record in result.records:
            assert isinstance(record.value, (int, float))
            metric = record.channel.metric

            conversion = catalogue()[metric].conversion(record.channel.unit)
            assert conversion is not None
            value = record.value * conversion.factor + conversion.offset
            rows.append(
                (record.channel.device, metric, round(value, 6), int(record.qualifier),
                 round(record.time, 3))
            )  # fmt: skip
        found.append(sorted(rows))
    return found


@pytest.mark.parametrize("source", sorted(FORMATS))
def test_what_is_said_is_decoded_to_what_was_meant(source: str) -> None:
    told, metrics = speaking(source)
    meant = [
        sorted(
            (r.device, r.metric, round(r.value, 6), r.qualifier, round(r.time, 3))
            for r in one.readings
        )
        for one in told
    ]
    assert decoded(source, told) == meant
    assert len(metrics) >= 2
    assert sum(map(len, meant)) > 100


def test_zigbee2mqtt_tells_of_help_at_once_and_never_again() -> None:
    told, metrics = speaking("zigbee2mqtt")
    assert {"motion", "door", "bed", "power", "battery", "room_temperature"} <= metrics
    calls = [one for one in told if any(r.metric == "help" for r in one.readings)]
    assert len(calls) == 1
    assert b'"emergency"' in calls[0].payload
    retained = {one.rest.partition("/")[2] for one in told if one.retain}
    assert {"bridge/state", "bridge/devices", "motion-kitchen/availability"} <= retained


def test_marks_of_a_meter_beyond_its_range() -> None:
    home = COUNTY.homes[0]
    spoken = Gatt(0, [*home.devices])
    readings = [Reading(ZERO, "cuff-1", "systolic", 250.0, 1),
                Reading(ZERO, "cuff-1", "diastolic", 30.0, -1)]  # fmt: skip
    (told,) = spoken.tell(readings)
    records = decode("gatt", told.rest, told.payload, ZERO, {}).records
    assert [(r.channel.metric, int(r.qualifier)) for r in records] == [
        ("systolic", 1), ("diastolic", -1),
    ]  # fmt: skip


def test_shares_choose_gateways_and_what_is_registered() -> None:
    county = County(3, 300)
    shares = {"senml": 0.5, "zigbee2mqtt": 0.2, "theengs": 0.1, "ruuvi": 0.1, "gatt": 0.1}
    formats = formats_of(county, shares)
    assert {spoken.source for spoken in formats.values()} == set(FORMATS)
    assert 0.4 < len(formats) / 300 < 0.6
    smaller = formats_of(County(3, 100), shares)
    assert {gateway: spoken.source for gateway, spoken in smaller.items()} == {
        gateway: spoken.source for gateway, spoken in formats.items() if gateway <= "gw-000100"
    }
    for before, home in zip(
        county.document().homes, as_told(county.document(), formats).homes, strict=True
    ):
        spoken = formats.get(home.gateway)
        if spoken is None:
            assert home == before
        else:
            assert {device.kind for device in home.devices} <= spoken.carries
            assert len({device.name for device in home.devices}) == len(home.devices)
    assert formats_of(county, {"senml": 1.0}) == {}
