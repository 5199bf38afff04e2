"""Sparkplug B: births name metrics, data follow by alias."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decoders.record import Decoded, DecodeError, hidden
from ingest.decoders.sparkplug import again, decode
from ingest.decoders.sparkplug_payload import Payload

ARRIVAL = 1_790_000_100.0
SENT = 1_790_000_000_123
INT8, INT16, INT32, INT64, UINT32, DOUBLE, BOOLEAN, STRING = 1, 2, 3, 4, 7, 10, 11, 12
DATE_TIME, UUID, BYTES, TEMPLATE, BOOLEANS = 13, 15, 17, 19, 32
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def payload(*metrics: dict[str, Any], timestamp: int = SENT) -> bytes:
    """A payload; `unit` of a metric becomes its property engUnit."""
    made = Payload(timestamp=timestamp, seq=7)
    for given_metric in metrics:
        fields = dict(given_metric)
        fill(made.metrics.add(), fields)
    return bytes(made.SerializeToString())


def fill(metric: Any, fields: dict[str, Any]) -> None:
    unit, quality = fields.pop("unit", None), fields.pop("quality", None)
    members, is_definition = fields.pop("members", None), fields.pop("definition", False)
    for name, value in fields.items():
        setattr(metric, name, value)
    if unit is not None:
        metric.properties.keys.append("engUnit")
        metric.properties.values.add(type=STRING, string_value=unit)
    if quality is not None:
        metric.properties.keys.append("Quality")
        metric.properties.values.add(type=INT32, int_value=quality)
    if members is not None:
        metric.datatype = TEMPLATE
        metric.template_value.is_definition = is_definition
        for member in members:
            fill(metric.template_value.metrics.add(), dict(member))


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


# Against the specification, message by message: what one node tells, one after another.

PULSE = {"name": "Heart Rate", "alias": 1, "datatype": INT32, "int_value": 72, "unit": "bpm"}
SMOKE = {"name": "Smoke", "alias": 2, "datatype": BOOLEAN, "boolean_value": False}
CONTROL = {"name": "Node Control/Rebirth", "datatype": BOOLEAN, "boolean_value": False}
BD_SEQ = {"name": "bdSeq", "datatype": INT64, "long_value": 3}
ROOM = {"name": "Room", "alias": 7, "members": [
    {"name": "Temperature", "datatype": DOUBLE, "double_value": 21.5, "unit": "°C"},
    {"name": "Alarms/Smoke", "datatype": BOOLEAN, "boolean_value": False}]}  # fmt: skip
GROUP = "ward"


class Node:
    """An edge node's messages, with what its births told."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def hears(self, topic: str, *metrics: dict[str, Any], **more: Any) -> list[tuple[str, Any]]:
        decoded = decode(topic, payload(*metrics, **more), ARRIVAL, self.definitions)
        for key, told in json.loads(json.dumps(decoded.learned)).items():
            self.definitions[key] = told
            if told is None:
                del self.definitions[key]
        return [(one.channel.metric, one.value) for one in decoded.records if not one.original]


SAID: list[tuple[str, list[dict[str, Any]], list[tuple[str, Any]]]] = [
    # A node alone: its birth, its data.
    ("NBIRTH/n", [BD_SEQ, CONTROL, PULSE], [("pulse", 72.0)]),
    ("NDATA/n", [{"alias": 1, "int_value": 75}], [("pulse", 75.0)]),
    ("NDATA/n", [{"name": "", "alias": 1, "int_value": 75}], [("pulse", 75.0)]),
    ("NDATA/n", [{"name": "Heart Rate", "int_value": 76}], [("pulse", 76.0)]),
    ("NDATA/n", [{"alias": 1, "is_null": True}], []),
    ("NDATA/n", [{"alias": 1, "is_null": True, "int_value": 0}], []),
    ("NDATA/n", [{"alias": 1}], []),
    ("NDATA/n", [{"alias": 1, "int_value": 77, "is_historical": True, "timestamp": SENT - 60_000}],
     [("pulse", 77.0)]),
    ("NDATA/n", [{"alias": 1, "int_value": 70, "timestamp": SENT - 2_000},
                 {"alias": 1, "int_value": 71, "timestamp": SENT - 1_000}],
     [("pulse", 70.0), ("pulse", 71.0)]),
    ("NDATA/n", [], []),
    ("NDATA/n", [CONTROL, BD_SEQ], []),
    ("NCMD/n", [{"name": "Node Control/Rebirth", "boolean_value": True}], []),
    # A device of it, whose numbers are its own.
    ("DBIRTH/n/d", [SMOKE, ROOM],
     [("smoke", 0.0), ("room_temperature", 21.5), ("smoke", 0.0)]),
    ("DDATA/n/d", [{"alias": 2, "boolean_value": True}], [("smoke", 1.0)]),
    ("DDATA/n/d", [{"alias": 2, "is_null": True}], []),
    ("DDATA/n/d", [{"alias": 2, "string_value": "ALARM", "datatype": STRING}], [("smoke", 1.0)]),
    ("DDATA/n/d", [{"alias": 7, "members": [{"name": "Temperature", "double_value": 22.0}]}],
     [("room_temperature", 22.0)]),
    ("DDATA/n/d", [{"name": "Room", "members": [{"name": "Alarms/Smoke", "boolean_value": True}]}],
     [("smoke", 1.0)]),
    ("DDATA/n/d", [{"alias": 7, "members": [{"name": "Temperature", "is_null": True}]}], []),
    ("DDATA/n/d", [{"name": "Kind", "definition": True, "members": [
        {"name": "Smoke", "datatype": BOOLEAN, "boolean_value": True}]}], []),
    # What measures nothing.
    ("DDATA/n/d", [{"name": "SOS", "datatype": DATE_TIME, "long_value": SENT}], []),
    ("DDATA/n/d", [{"name": "Smoke", "datatype": UUID, "string_value": "9e1c"}], []),
    ("DDATA/n/d", [{"name": "Smoke", "datatype": BYTES}], []),
    ("DDATA/n/d", [{"name": "Smoke", "datatype": BOOLEANS}], []),
    ("DDATA/n/d", [{"name": "Heart Rate", "datatype": DOUBLE, "double_value": float("nan")}], []),
    ("DDATA/n/d", [{"name": "Heart Rate", "datatype": DOUBLE, "double_value": float("inf")}], []),
    ("DDEATH/n/d", [], []),
    ("NDEATH/n", [BD_SEQ], []),
]  # fmt: skip


def test_what_a_node_says_in_its_session() -> None:
    node = Node()
    for topic, metrics, meant in SAID:
        message, _, thing = topic.partition("/")
        got = node.hears(f"{GROUP}/{message}/{thing}", *metrics)
        assert got == meant, (topic, metrics)


def test_the_birth_of_a_node_ends_what_its_devices_births_told() -> None:
    node = Node()
    node.hears("ward/NBIRTH/n", BD_SEQ)
    node.hears("ward/NBIRTH/nn", PULSE)
    node.hears("ward/DBIRTH/n/d", SMOKE)
    node.hears("ward/DBIRTH/nn/d", SMOKE)
    node.hears("ward/NBIRTH/n", BD_SEQ)
    with pytest.raises(DecodeError, match="Rebirth"):
        node.hears("ward/DDATA/n/d", {"alias": 2, "boolean_value": True})
    assert node.hears("ward/DDATA/nn/d", {"alias": 2, "boolean_value": True}) == [("smoke", 1.0)]
    node.hears("ward/DBIRTH/n/d", {**PULSE, "alias": 2})
    assert node.hears("ward/DDATA/n/d", {"alias": 2, "int_value": 61}) == [("pulse", 61.0)]


@pytest.mark.parametrize(("quality", "suspect"), [(None, False), (192, False), (0, True),
                                                  (500, True), (7, True)])  # fmt: skip
def test_what_is_bad_or_stale_is_suspect(quality: int | None, suspect: bool) -> None:
    (record,) = read("DDATA", payload({**PULSE, "quality": quality})).records
    assert (record.value, record.suspect) == (72.0, suspect)


def test_a_metric_nobody_could_name_is_read_by_a_later_birth() -> None:
    learned = read("DBIRTH", payload(SMOKE)).learned
    data = payload(
        {"alias": 2, "boolean_value": True},
        {"alias": 5, "int_value": 0xFFFB, "timestamp": SENT - 9_000},
    )
    kept = hidden(json.loads(json.dumps(read("DDATA", data, learned).records[1].shown())))
    assert kept.channel.metric == "alias 5"
    assert again(kept, {}) is kept
    assert again(kept, learned) is kept
    reborn = payload({"name": "Temperature", "alias": 5, "datatype": INT16, "unit": "°C"})
    named = again(kept, read("DBIRTH", reborn).learned)
    assert (named.channel.device, named.channel.metric) == ("cuff", "room_temperature")
    assert (named.value, named.channel.unit) == (-5.0, "Cel")
    assert (named.time, named.dated) == ((SENT - 9_000) / 1000, True)


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_a_payload_within_a_payload(pack: Any) -> None:
    inner = payload(PULSE)
    outer = Payload(uuid="SPBV1.0_COMPRESSED", body=pack(inner))
    assert values(read("DDATA", outer.SerializeToString())) == values(read("DDATA", inner))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        zlib.compress(b"x" * 4_000_000),
        zlib.compress(bytes(payload(PULSE)))[:-5],
        zlib.compress(b"\xff" * 50),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(body: bytes) -> None:
    outer = Payload(uuid="SPBV1.0_COMPRESSED", body=body)
    with pytest.raises(DecodeError):
        read("DDATA", outer.SerializeToString())


def nested(depth: int) -> dict[str, Any]:
    member: dict[str, Any] = {"name": "Smoke", "datatype": BOOLEAN, "boolean_value": True}
    for _ in range(depth):
        member = {"name": "t", "members": [member]}
    return member


@pytest.mark.parametrize(("depth", "read_to"), [(1, 1), (8, 1), (9, 0), (30, 0)])
def test_templates_within_templates_end(depth: int, read_to: int) -> None:
    assert len(read("DDATA", payload(nested(depth))).records) == read_to


def test_no_more_metrics_than_a_message_may_have() -> None:
    many = {"name": "t", "members": [{"name": "x", "int_value": 1}] * 3_000}
    read("DDATA", payload(*[many] * 3))  # none of them is a reading
    pulses = {"name": "t", "members": [{"name": "pulse", "int_value": 60}] * 3_000}
    with pytest.raises(DecodeError) as refusal:
        read("DDATA", payload(*[pulses] * 4))
    assert refusal.value.reason == "too_large"


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
