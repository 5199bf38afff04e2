"""Sparkplug B: births name metrics, data follow by alias."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.sparkplug import decode
from ingest.decoders.sparkplug_payload import Payload

ARRIVAL = 1_790_000_100.0
SENT = 1_790_000_000_123
INT8, INT16, INT32, INT64, UINT32, DOUBLE, BOOLEAN, STRING = 1, 2, 3, 4, 7, 10, 11, 12
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def payload(*metrics: dict[str, Any], timestamp: int = SENT) -> bytes:
    """A payload; `unit` of a metric becomes its property engUnit."""
    made = Payload(timestamp=timestamp, seq=7)
    for given_metric in metrics:
        fields = dict(given_metric)
        unit = fields.pop("unit", None)
        metric = made.metrics.add(**fields)
        if unit is not None:
            metric.properties.keys.append("engUnit")
            metric.properties.values.add(type=STRING, string_value=unit)
    return bytes(made.SerializeToString())


def read(message: str, data: bytes, definitions: dict[str, Any] | None = None) -> Decoded:
    decoded = decode(f"ward/{message}/node/cuff", data, ARRIVAL, definitions or {})
    assert decoded.seq is None  # Sparkplug's own count proves nothing to Saimi
    return decoded


def values(decoded: Decoded) -> list[tuple[str, Any, str | None, float]]:
    return [(one.channel.metric, one.value, one.channel.unit, one.time) for one in decoded.records]


BIRTH = payload(
    {"name": "Vitals/Heart Rate", "alias": 1, "datatype": INT32, "int_value": 72, "unit": "bpm"},
    {"name": "Temperature", "alias": 2, "datatype": INT16, "int_value": 0xFFFB, "unit": "°C"},
    {"name": "Fall Detected", "alias": 3, "datatype": BOOLEAN, "boolean_value": False},
    {"name": "Firmware", "alias": 4, "datatype": STRING, "string_value": "1.2"},
    {"name": "SpO2", "alias": 5, "datatype": DOUBLE, "is_null": True, "double_value": 0.0},
)


def test_a_birth_is_read_and_names_the_aliases_of_the_data() -> None:
    birth = read("DBIRTH", BIRTH)
    assert values(birth) == [
        ("pulse", 72.0, "/min", SENT / 1000),
        ("room_temperature", -5.0, "Cel", SENT / 1000),
        ("fall", 0.0, None, SENT / 1000),
    ]
    assert all(record.channel.device == "cuff" and record.dated for record in birth.records)
    learned = json.loads(json.dumps(birth.learned))
    data = payload(
        {"alias": 1, "int_value": 75, "timestamp": SENT - 5_000},
        {"alias": 2, "int_value": 0xFFF6},
        {"alias": 3, "boolean_value": True},
        {"alias": 4, "string_value": "1.3"},
    )
    assert values(read("DDATA", data, learned)) == [
        ("pulse", 75.0, "/min", (SENT - 5_000) / 1000),
        ("room_temperature", -10.0, "Cel", SENT / 1000),
        ("fall", 1.0, None, SENT / 1000),
    ]


def test_an_alias_that_no_birth_told_asks_for_a_rebirth() -> None:
    with pytest.raises(DecodeError, match="Rebirth") as refusal:
        read("DDATA", payload({"alias": 9, "double_value": 1.0}))
    assert refusal.value.reason == "unknown_definition"


def test_beside_what_is_known_an_unknown_alias_is_kept_and_hides_nothing() -> None:
    learned = read("DBIRTH", BIRTH).learned
    data = payload({"alias": 9, "double_value": 1.0}, {"alias": 3, "boolean_value": True})
    assert [one[:2] for one in values(read("DDATA", data, learned))] == [
        ("fall", 1.0),
        ("alias 9", 1.0),
    ]


@pytest.mark.parametrize(
    ("datatype", "field", "raw", "value"),
    [
        (INT8, "int_value", 0xFF, -1.0),
        (INT8, "int_value", 0xFFFFFFFF, -1.0),
        (INT32, "int_value", 2**32 - 5, -5.0),
        (INT64, "long_value", 2**64 - 5, -5.0),
        (UINT32, "int_value", 2**32 - 5, 2.0**32 - 5),
        (DOUBLE, "double_value", 36.5, 36.5),
    ],
)
def test_data_types(datatype: int, field: str, raw: Any, value: float) -> None:
    data = payload({"name": "Temperature", "datatype": datatype, field: raw, "unit": "Cel"})
    assert values(read("DDATA", data))[0][1:3] == (value, "Cel")


@pytest.mark.parametrize(
    ("name", "unit", "metric", "stored"),
    [
        ("Vitals/Blood Pressure/Systolic", "mmHg", "systolic", "mm[Hg]"),
        ("BodyTemperature", "°C", "temperature", "Cel"),
        ("SpO2", None, "spo2", "%"),
        ("heart_rate", None, "pulse", "/min"),
        ("Room/CO", "ppm", "carbon_monoxide_concentration", "[ppm]"),
        ("Alarms/CO", None, "carbon_monoxide", None),
        ("Buttons/SOS", None, "help", None),
        ("Savuvaroitin", None, "smoke", None),
        ("weight", "lb", "weight", "[lb_av]"),
        ("weight", None, "weight", None),
    ],
)
def test_names(name: str, unit: str | None, metric: str, stored: str | None) -> None:
    more = {} if unit is None else {"unit": unit}
    data = payload({"name": name, "datatype": DOUBLE, "double_value": 36.0, **more})
    assert values(read("DDATA", data))[0][::2] == (metric, stored)


@pytest.mark.parametrize("message", ["NCMD", "NDEATH", "STATE"])
def test_what_is_no_reading(message: str) -> None:
    topic = "STATE/host" if message == "STATE" else f"spBv1.0/ward/{message}/node"
    assert decode(topic, b"{}", ARRIVAL, {}).nothing


@pytest.mark.parametrize(
    ("topic", "data"),
    [("ward/DDATA/node/d", BIRTH[:-3]), ("ward/DDATA/node", b""), ("x", b""),
     ("ward/NODATA/node", b""), ("ward/NDATA/node", b"\xff" * 50)],
)  # fmt: skip
def test_what_is_refused(topic: str, data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(topic, data, ARRIVAL, {})


def test_a_time_that_is_none_is_reckoned_from_the_arrival() -> None:
    data = payload({"name": "pulse", "int_value": 60}, timestamp=2**64 - 1)
    (record,) = read("DDATA", data).records
    assert (record.time, record.dated) == (ARRIVAL, False)


@given(st.binary(max_size=300))
@unhurried
def test_no_bytes_break_it(data: bytes) -> None:
    for topic in ("g/NBIRTH/n", "g/DDATA/n/d"):
        with suppress(DecodeError):
            decode(topic, data, ARRIVAL, {})


@given(st.integers(0, len(BIRTH) - 1), st.integers(0, 255))
@unhurried
def test_no_changed_byte_breaks_it(at: int, byte: int) -> None:
    data = BIRTH[:at] + bytes([byte]) + BIRTH[at + 1 :]
    with suppress(DecodeError):
        learned = read("DBIRTH", data).learned
        json.dumps(learned)
        read("DDATA", data, learned)
