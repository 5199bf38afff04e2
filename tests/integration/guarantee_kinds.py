"""Every kind of message of every source, as `docs/sources.md` lists them, and the homes that send
them: gateway `gw-0` at QoS 0, `gw-1` at QoS 1."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from core.clock import LOCAL, wall_time
from core.registry import Area, Client, Device, Document, Home
from core.wire import readings_topic
from ingest.decoders import decode
from ingest.decoders.sparkplug_payload import Payload
from tests.integration.ingest_homes import IN_USE, pack

QOS = (0, 1)
BASE = wall_time().replace(microsecond=0) - timedelta(hours=2)
"""All their readings are of this time or later; what an announcement says is earlier."""
RUUVI = "0201061BFF99040512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"


class Kind(NamedTuple):
    """Messages of a source that say the same of themselves."""

    source: str
    says: str
    """What tells it from the source's other kinds, as in the table of `docs/sources.md`."""
    known: str
    """How it is known when it comes again: numbered, dated or undated."""
    topic: str
    """Below Saimi's `<gateway>/<source>/`."""
    home: str
    """Where the program publishes it, of which the home's bridge makes the former."""
    payload: Callable[[int], bytes]
    """Of message number 0, 1, …; an undated one repeats itself."""
    announced: tuple[tuple[str, bytes], ...] = ()
    """Topics and payloads that have to be known before, in the home's words."""


def _at(number: int) -> datetime:
    return BASE + timedelta(minutes=number)


def _unix(number: int) -> int:
    return int(_at(number).timestamp())


def _senml(device: str, number: int, **more: Any) -> dict[str, Any]:
    return {"n": f"{device}/spo2", "u": "%", "v": 80 + number % 20, **more}


def _json(told: Any) -> bytes:
    return json.dumps(told).encode()


def _sparkplug(number: int, *, birth: bool = False) -> bytes:
    made = Payload(timestamp=_unix(number) * 1_000, seq=7)
    metric = made.metrics.add(alias=1, datatype=3, int_value=60 + number % 20)
    if birth:
        metric.name = "Vitals/Heart Rate"
        metric.properties.keys.append("engUnit")
        metric.properties.values.add(type=12, string_value="bpm")
    return bytes(made.SerializeToString())


def _fhir(number: int) -> bytes:
    return _json(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
            "effectiveDateTime": _at(number).isoformat(),
            "device": {"reference": "Device/monitor"},
            "valueQuantity": {
                "value": 60 + number % 20,
                "system": "http://unitsofmeasure.org",
                "code": "/min",
            },
        }
    )


def _cuff(number: int, *, dated: bool) -> bytes:
    """2A35: mmHg, 120 / 80, mean 93; its clock has no zone and shows Helsinki's time."""
    if not dated:
        return bytes.fromhex("00 7800 5000 5d00")
    local = _at(number).astimezone(LOCAL)
    when = local.year.to_bytes(2, "little") + bytes(
        [local.month, local.day, local.hour, local.minute, local.second]
    )
    return bytes.fromhex("02 7800 5000 5d00") + when


def _zigbee(number: int, *, dated: bool) -> bytes:
    seen = {"last_seen": _at(number).isoformat(timespec="milliseconds")} if dated else {}
    return _json({"occupancy": True, **seen})


def _tasmota(number: int, *, dated: bool) -> bytes:
    local = _at(number).astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M:%S")
    return _json({**({"Time": local} if dated else {}), "A": {"Temperature": 20 + number % 3}})


def _shelly(number: int) -> bytes:
    told = {"ts": _unix(number), "temperature:0": {"id": 0, "tC": 20 + number % 3}}
    return _json({"src": "shelly-x", "dst": "x", "method": "NotifyStatus", "params": told})


def _ruuvi(number: int, *, dated: bool) -> bytes:
    when = {"gwts": _unix(number), "ts": _unix(number)} if dated else {}
    return _json({"gw_mac": "x", "rssi": -60, "cnt": number, "data": RUUVI, **when})


def _theengs(number: int, *, dated: bool) -> bytes:
    when = {"unixtime": _unix(number)} if dated else {}
    return _json({"tempc": 20 + number % 3, **when})


_HA = _json(
    {
        "state_topic": "n/sensor/o/state",
        "unit_of_measurement": "%",
        "object_id": "spo2",
        "device": {"name": "announced"},
    }
)

KINDS = (
    Kind("senml", "`boot` and `seq`", "numbered", "c", "saimi/senml/c",
         lambda n: pack(_senml("counting", n, t=_unix(n)), boot="b", seq=n + 1)),
    Kind("senml", "times", "dated", "x", "saimi/senml/x",
         lambda n: pack(_senml("dated", n, t=_unix(n)))),
    Kind("senml", "neither", "undated", "x", "saimi/senml/x",
         lambda n: pack(_senml("undated", n % 2))),
    Kind("zigbee2mqtt", "`last_seen`", "dated", "seen", "zigbee2mqtt/seen",
         lambda n: _zigbee(n, dated=True)),
    Kind("zigbee2mqtt", "no `last_seen`", "undated", "unseen", "zigbee2mqtt/unseen",
         lambda n: _zigbee(n, dated=False)),
    Kind("homeassistant", "no time", "undated", "n/sensor/o/state", "n/sensor/o/state",
         lambda n: b"%d" % (90 + n % 2),
         (("homeassistant/sensor/n/o/config", _HA),)),
    Kind("theengs", "`unixtime` or `UTCtime`", "dated", "T/BTtoMQTT/A4C138D5A6A1",
         "home/T/BTtoMQTT/A4C138D5A6A1", lambda n: _theengs(n, dated=True)),
    Kind("theengs", "no time", "undated", "T/BTtoMQTT/A4C138D5A6A2",
         "home/T/BTtoMQTT/A4C138D5A6A2", lambda n: _theengs(n, dated=False)),
    Kind("ruuvi", "`ts`", "dated", "C8:25:2D:8E:9C:2C/F4:1F:0C:28:CB:D1",
         "ruuvi/C8:25:2D:8E:9C:2C/F4:1F:0C:28:CB:D1", lambda n: _ruuvi(n, dated=True)),
    Kind("ruuvi", "a gateway without a clock", "undated", "C8:25:2D:8E:9C:2C/F4:1F:0C:28:CB:D2",
         "ruuvi/C8:25:2D:8E:9C:2C/F4:1F:0C:28:CB:D2", lambda n: _ruuvi(n, dated=False)),
    Kind("shelly", "second generation, `ts`", "dated", "shellyht-aa/events/rpc",
         "shellyht-aa/events/rpc", _shelly),
    Kind("shelly", "first generation", "undated", "shellies/h/sensor/humidity",
         "shellies/h/sensor/humidity", lambda n: b"%d" % (40 + n % 2)),
    Kind("tasmota", "`Time`", "dated", "tele/clock/SENSOR", "tele/clock/SENSOR",
         lambda n: _tasmota(n, dated=True)),
    Kind("tasmota", "no `Time`", "undated", "tele/none/SENSOR", "tele/none/SENSOR",
         lambda n: _tasmota(n, dated=False)),
    Kind("gatt", "a time stamp", "dated", "cuff-a/2A35", "gatt/cuff-a/2A35",
         lambda n: _cuff(n, dated=True)),
    Kind("gatt", "no time stamp", "undated", "cuff-b/2A35", "gatt/cuff-b/2A35",
         lambda n: _cuff(n, dated=False)),
    Kind("fhir", "`effectiveDateTime`", "dated", "x", "fhir/x", _fhir),
    Kind("sparkplug", "`timestamp`", "dated", "ward/DDATA/node/belt",
         "spBv1.0/ward/DDATA/node/belt",
         _sparkplug,
         (("spBv1.0/ward/DBIRTH/node/belt", _sparkplug(-100, birth=True)),)),
)  # fmt: skip


def channel(kind: Kind) -> tuple[str, str]:
    """Device and metric, as the registry and the catalogue know them, of the first reading."""
    known: dict[str, Any] = {}
    for topic, payload in kind.announced:
        _, learned = county(kind, topic)
        known.update(decode(kind.source, learned, payload, wall_time().timestamp(), known).learned)
    decoded = decode(kind.source, kind.topic, kind.payload(0), wall_time().timestamp(), known)
    first = decoded.records[0]
    assert first.dated is (kind.known != "undated")
    assert (decoded.seq is not None) is (kind.known == "numbered")
    return first.channel.device, first.channel.metric


def county(kind: Kind, home: str) -> tuple[str, str]:
    """What the home's bridge makes of a topic: the source, and the rest."""
    cut = kind.home.removesuffix(kind.topic)
    return kind.source, home.removeprefix(cut)


def messages(qos: int, numbers: range, *, at_home: bool = False) -> list[tuple[str, bytes]]:
    """Those of every kind, as they reach the county from gateway `gw-<qos>` or leave a program."""
    return [
        (
            kind.home if at_home else readings_topic(f"gw-{qos}", kind.source, kind.topic),
            kind.payload(number),
        )
        for number in numbers
        for kind in KINDS
    ]


def announcements(qos: int) -> list[tuple[str, bytes]]:
    """What has to be known before, as it reaches the county."""
    return [
        (readings_topic(f"gw-{qos}", *county(kind, topic)), payload)
        for kind in KINDS
        for topic, payload in kind.announced
    ]


def document() -> Document:
    """Homes with gateways `gw-0` and `gw-1`, and a device for every kind."""
    return Document(
        areas=[Area("a", "A")],
        homes=[
            Home(
                name=f"home-{qos}",
                area="a",
                gateway=f"gw-{qos}",
                clients=[Client(f"client-{qos}", "Given", "Family", date(1940, 1, 1))],
                devices=[
                    Device(
                        channel(kind)[0], "oximeter", subject=f"client-{qos}", assigned_from=IN_USE
                    )
                    for kind in KINDS
                ],
            )
            for qos in QOS
        ],
    )
