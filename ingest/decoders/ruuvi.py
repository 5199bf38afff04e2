"""Ruuvi sensors: as Ruuvi Gateway publishes them, and their bare broadcasts.

The gateway publishes `<prefix>/<gateway>/<sensor>`: JSON with the broadcast as hexadecimal `data`,
what it decoded of that, or both; or many sensors in one message, as it sends them over HTTP. The
device is the sensor's address, as the topic or the message has it. `ts` (`timestamp`) is when the
gateway heard it; without one it counts at its arrival.

Bare broadcasts come as `<address>/advertisement`, and with the last level `payload` (from the data
format on), `hci` (with the length in front) or `history` (of the sensor's log). A broadcast of
another maker is read where it is BTHome, and is no reading otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ingest.decoders import bthome
from ingest.decoders.advertisement import LONGEST, Advertised, advertised
from ingest.decoders.measured import Measured
from ingest.decoders.plain_values import number, set_clock
from ingest.decoders.record import Channel, Decoded, DecodeError, Record
from ingest.decoders.ruuvi_formats import COMPANY, Broadcast, Value, broadcast
from ingest.decoders.source import Definitions, Source
from ingest.decoders.strict_json import read_json

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_ABOUT = frozenset(("gw_status", "status", "connect", "alive", "online"))
"""Last levels of topics on which the gateway speaks of itself."""
_MAX_SENSORS = 1000
_UNNAMED = "ruuvi"
_DECODED = {
    "temperature": ("room_temperature", "Cel"), "humidity": ("humidity", "%"),
    "pressure": ("air_pressure", "Pa"), "accelX": ("acceleration_x", "[g]"),
    "accelY": ("acceleration_y", "[g]"), "accelZ": ("acceleration_z", "[g]"),
    "movementCounter": ("movement_count", "1"), "voltage": ("battery_voltage", "V"),
    "txPower": ("transmit_power", "dB[mW]"),
    "measurementSequenceNumber": ("measurement_count", "1"),
    "PM1.0": ("pm1_0", "ug/m3"), "PM2.5": ("pm2_5", "ug/m3"), "PM4.0": ("pm4_0", "ug/m3"),
    "PM10.0": ("pm10", "ug/m3"), "CO2": ("carbon_dioxide", "[ppm]"), "VOC": ("voc_index", "1"),
    "NOx": ("nox_index", "1"), "luminosity": ("illuminance", "lx"),
    "sound_inst_dba": ("sound_level_instant", "dBA"), "sound_avg_dba": ("sound_level", "dBA"),
    "sound_peak_spl_db": ("sound_level_peak", "dB"),
}  # fmt: skip
"""By key of the gateway's own decoding."""
_LOGGED = {0x30: ("room_temperature", "Cel", 100), 0x31: ("humidity", "%", 100),
           0x32: ("air_pressure", "Pa", 1)}  # fmt: skip
"""By endpoint of a sensor's log: metric, unit, steps to it."""
_LOG_ALL, _LOG_SAYS = 0x3A, 0x10


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode a message; `definitions` are not used.

    Raises:
        DecodeError: neither the gateway's JSON nor a broadcast that is read.
    """
    levels = rest.split("/")
    for at in (-1, 0):
        if levels[at] in _BARE:
            device = "/".join(levels[:-1] if at else levels[1:])
            return _BARE[levels[at]](_checked(device) if device else "", payload, arrival)
    if not payload.strip():
        return Decoded(nothing="an empty message, which deletes a retained one")
    if levels[-1] in _ABOUT:
        return Decoded(nothing="what a gateway says of itself")
    told = read_json(payload)
    if not isinstance(told, dict):
        raise DecodeError("not_ruuvi", "A Ruuvi Gateway sends an object; this is something else.")
    if "DEVICE_ADDR" in told or set(told) <= {"state"}:
        return Decoded(nothing="what a gateway says of itself")
    batch = told.get("data")
    if isinstance(batch, dict):
        return _batch(batch, arrival)
    if not {"data", "dataFormat", "gw_mac"} & told.keys():
        raise DecodeError("not_ruuvi", "This is no message of a Ruuvi Gateway: it has no data.")
    records = list(_heard(_checked(levels[-1]), told, told.get("ts"), arrival))
    return Decoded(records, nothing="" if records else "a broadcast without a reading")


def _batch(batch: dict[str, Any], arrival: float) -> Decoded:
    """Many sensors; one that cannot be read is kept by its reason, and does not spoil the rest."""
    tags = batch.get("tags")
    if not isinstance(tags, dict) or len(tags) > _MAX_SENSORS:
        raise DecodeError(
            "not_ruuvi", f"A Ruuvi Gateway sends up to {_MAX_SENSORS:,} `tags` by their addresses."
        )
    records: list[Record] = []
    refused: DecodeError | None = None
    for name, one in tags.items():
        device = _checked(name)
        try:
            if isinstance(one, dict):
                records += _heard(device, one, one.get("timestamp"), arrival)
        except DecodeError as error:
            refused = error
            records.append(Record(Channel(device, error.reason, None), None, arrival, dated=False))
    if refused is not None and all(one.value is None for one in records):
        raise refused
    return Decoded(records, nothing="" if records else "no sensors")


def _checked(device: str) -> str:
    if not 0 < len(device) <= 256 or not device.isprintable():
        raise DecodeError(
            "bad_name", "A device's name has 1 to 256 characters that can be seen; this has not."
        )
    return device


def _heard(device: str, told: dict[str, Any], at: Any, arrival: float) -> Iterator[Record]:
    """What the gateway heard of one sensor."""
    said = Measured(device, arrival)
    seconds = number(at)
    if seconds is not None and set_clock(seconds):
        said.since(seconds)
    if told.get("dataFormat") is not None:
        for key, (metric, unit) in _DECODED.items():
            said.add(metric, number(told.get(key)), unit)
        if isinstance(told.get("flag_button_pressed"), bool):
            said.add("button", float(told["flag_button_pressed"]))
    else:
        data = told.get("data")
        if not isinstance(data, str) or len(data) > 2 * LONGEST or not _HEX.fullmatch(data):
            raise DecodeError(
                "not_advertisement", "The `data` of a Ruuvi Gateway is an advertisement in hex."
            )
        for value in _read(advertised(bytes.fromhex(data))).values:
            said.add(*value)
    if said.records:
        said.add("signal_strength", number(told.get("rssi")), "dB[mW]")
    yield from said.records


def _read(fields: list[Advertised]) -> Broadcast:
    """The first field of an advertisement that can be read; nothing where none is Ruuvi's."""
    for field in fields:
        if not field.service and field.code == COMPANY:
            return broadcast(field.data)
    found: dict[str, Value] = {}
    for field in fields:
        if field.service and field.code == bthome.SERVICE:
            for value in bthome.values_of(field.data):
                before = found.setdefault(value.metric, value)
                if value.unit is None and value.value and not before.value:
                    found[value.metric] = value  # any of two alarms is an alarm
    return Broadcast(list(found.values()), None)


def _said(device: str, heard: Broadcast, arrival: float) -> Measured:
    said = Measured(device or heard.mac or _UNNAMED, arrival)
    for value in heard.values:
        said.add(*value)
    return said


def _payload(device: str, payload: bytes, arrival: float) -> Decoded:
    """A broadcast from its data format on."""
    return Decoded(_said(device, broadcast(payload), arrival).records)


def _advertisement(device: str, payload: bytes, arrival: float) -> Decoded:
    records = _said(device, _read(advertised(payload)), arrival).records
    return Decoded(records, nothing="" if records else "a broadcast of another maker")


def _hci(device: str, payload: bytes, arrival: float) -> Decoded:
    """An advertisement as a Bluetooth controller reports it: length, advertisement, strength."""
    length = payload[0] if payload else 0
    if not length or len(payload) <= length:
        raise DecodeError(
            "not_advertisement",
            "A controller's report of an advertisement begins with its length; this does not.",
        )
    said = _said(device, _read(advertised(payload[1 : 1 + length])), arrival)
    if said.records and len(payload) == length + 2 and payload[-1] > 127:
        said.add("signal_strength", payload[-1] - 256.0, "dB[mW]")
    records = said.records
    return Decoded(records, nothing="" if records else "a broadcast of another maker")


def _history(device: str, payload: bytes, arrival: float) -> Decoded:
    """One entry of a sensor's log: where to, where from, 16, seconds, value."""
    if len(payload) != 11 or payload[0] not in (*_LOGGED, _LOG_ALL) or payload[2] != _LOG_SAYS:
        raise DecodeError("not_history", "This is no entry of the log of a Ruuvi sensor.")
    if payload[3:] == b"\xff" * 8:
        return Decoded(nothing="the end of a sensor's log")
    if payload[1] not in _LOGGED:
        raise DecodeError(
            "unknown_format", f"Entries {payload[1]:X} of a Ruuvi sensor's log are not read."
        )
    metric, unit, steps = _LOGGED[payload[1]]
    said = Measured(device or _UNNAMED, arrival)
    said.since(float(int.from_bytes(payload[3:7])))
    raw = int.from_bytes(payload[7:11], signed=True)
    said.add(metric, None if raw == -1 else raw / steps, unit)
    return Decoded(said.records, nothing="" if said.records else "an entry without a value")


_BARE: dict[str, Callable[[str, bytes, float], Decoded]] = {
    "advertisement": _advertisement, "payload": _payload, "hci": _hci, "history": _history,
}  # fmt: skip
_MAC = r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"
SOURCE = Source(
    "ruuvi",
    decode,
    formats={
        "ruuvi-gateway-mqtt-json": _UNNAMED, "ruuvi-gateway-http-json": _UNNAMED,
        "ruuvi-gateway-history-json": _UNNAMED, "ruuvi-gateway-status-json": "gw_status",
        "ruuvi-gateway-state-json": "gw_status", "ruuvi-ble-adv-raw": "advertisement",
        "ruuvi-df3-raw": "payload", "ruuvi-df5-raw": "payload", "ruuvi-df6-raw": "payload",
        "ruuvi-dfe1-raw": "payload", "ruuvi-hci-adv-raw": "hci", "ruuvi-history-raw": "history",
    },
    topics=(r"(?P<rest>ruuvi/.+)", rf"(?P<rest>.+/{_MAC}/(?:{_MAC}|gw_status))"),
)  # fmt: skip
