"""Bluetooth characteristics as they come out of a device, untouched: `<device>/<uuid>`.

The uuid is of 16 bits (`2A35`, `0x2a35`), or of 128 with or without dashes. A device's own time has
no zone and is Finnish; without one, what it says counts at its arrival. Some gateways write the
bytes as hexadecimal text; it is taken for that where the first byte, read as flags, would be none
of that characteristic's.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ingest.decoders import gatt_body, gatt_makers, gatt_vital
from ingest.decoders.gatt_fields import Fields
from ingest.decoders.ieee11073 import Number
from ingest.decoders.measured import Measured
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.source import Definitions, Source

_UUID = re.compile(
    r"(?:0x)?(?:0000)?([0-9a-f]{4})(?:-?0000-?1000-?8000-?00805f9b34fb)?(?: .*)?"
    r"|([0-9a-f]{8})(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|([0-9a-f]{8})(?: .*)?",
    re.IGNORECASE | re.ASCII,
)
_HEX_TEXT = re.compile(rb"(?:0x)?((?:[0-9A-Fa-f]{2})+)")
_FLAGGED = frozenset(
    ("2A18", "2A19", "2A1C", "2A1E", "2A35", "2A37", "2A5E", "2A5F", "2A9C", "2A9D")
)
"""Of these every ASCII digit or letter in front would set flags that do not exist (a battery level
has one byte, not two)."""
_UNNAMED = "device"
_READ: dict[str, Callable[[str, bytes, float, Definitions], Decoded]] = {
    "2A18": gatt_vital.glucose, "2A34": gatt_vital.glucose_context,
    "2A1C": gatt_vital.temperature, "2A1E": gatt_vital.rising_temperature,
    "2A35": gatt_vital.blood_pressure, "2A36": gatt_vital.cuff_pressure,
    "2A37": gatt_vital.heart_rate,
    "2A5E": gatt_vital.spot_check, "2A5F": gatt_vital.continuous,
    "2A9C": gatt_body.composition, "2A9D": gatt_body.weight,
    "2A19": gatt_body.battery, "2A6D": gatt_body.air_pressure, "2A6E": gatt_body.room_temperature,
    "2A6F": gatt_body.humidity,
    "181B": gatt_makers.body_scale, "181D": gatt_makers.scale, "FE95": gatt_makers.mibeacon,
    "74E78E10": gatt_makers.weather_station,
}  # fmt: skip
_NO_READING = frozenset(
    ("2A00", "2A01", "2A04", "2A05", "2A08", "2A0F", "2A14", "2A1D", "2A21", "2A23", "2A24", "2A25",
     "2A26", "2A27", "2A28", "2A29", "2A2A", "2A2B", "2A38", "2A39", "2A49", "2A50", "2A51", "2A52",
     "2A60", "2A61", "2A9B", "2A9E", "2A9A", "2A9F", "2A99", "2AA6", "2B29", "2B2A", "2B3A")
)  # fmt: skip
"""Names, clocks, features, control points: of a device, not of a person."""


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode one value of a characteristic.

    Raises:
        DecodeError: it names no characteristic that is read, or is shorter than its own flags say.
    """
    if rest in _BARE:
        return _BARE[rest](payload, arrival)
    device, _, last = rest.rpartition("/")
    match = _UUID.fullmatch(last)
    if match is None:
        raise DecodeError(
            "unknown_characteristic",
            f"{last[:64]!r} names no Bluetooth characteristic; the topic ends in its uuid.",
        )
    uuid = (match[1] or match[2] or match[3]).upper()
    device = device or _UNNAMED
    if len(device) > 256 or not device.isprintable():
        raise DecodeError(
            "bad_name", "A device's name has 1 to 256 characters that can be seen; this has not."
        )
    read = _READ.get(uuid)
    text = _HEX_TEXT.fullmatch(payload.strip()) if uuid in _FLAGGED else None
    if text is not None:
        payload = bytes.fromhex(text[1].decode())
    if read is not None and payload:
        return read(device, payload, arrival, definitions)
    if uuid in _NO_READING or (read is not None and not payload):
        return Decoded(nothing="a characteristic without a reading")
    raise DecodeError(
        "unknown_characteristic",
        f"The Bluetooth characteristic {uuid} is not read; read are: {', '.join(sorted(_READ))}.",
    )


def _number(read: Callable[[Fields], Number]) -> Callable[[bytes, float], Decoded]:
    """A number alone: it has a value, and nobody can tell what was measured."""

    def decode_number(payload: bytes, arrival: float) -> Decoded:
        said = Measured("number", arrival)
        said.add("", read(Fields("number", payload)))
        return Decoded(said.records, nothing="" if said.records else "a mark of no measurement")

    return decode_number


def _clock(payload: bytes, arrival: float) -> Decoded:
    """A time alone, as a text and as the record's own time."""
    said = Measured("clock", arrival)
    local = Fields("time", payload).date_time()
    if said.at(local) is None or local is None:
        return Decoded(nothing="a clock that does not know the time")
    said.add("", local.isoformat())
    return Decoded(said.records)


_BARE: dict[str, Callable[[bytes, float], Decoded]] = {
    "sfloat": _number(Fields.sfloat), "float32": _number(Fields.float32), "date_time": _clock,
}  # fmt: skip
SOURCE = Source(
    "gatt",
    decode,
    formats={
        "gatt-characteristic-raw": _UNNAMED, "gatt-raw": _UNNAMED,
        "ieee11073-sfloat-le": "sfloat", "ieee11073-float32-le": "float32",
        "gatt-date-time-raw": "date_time",
    },
    topics=(r"gatt/(?P<rest>.+/[^/]+)", r".+/gatt/(?P<rest>[^/]+/[^/]+)"),
)  # fmt: skip
