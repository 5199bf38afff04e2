"""A Bluetooth advertisement taken apart: what a maker put into it, and the data of its services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ingest.decoders.record import DecodeError

_MAKER, _SERVICE = 0xFF, 0x16
LONGEST = 1650
"""Bytes of an extended advertisement (Bluetooth Core 5, volume 4 part E, 7.8.54)."""


class Advertised(NamedTuple):
    """One field of an advertisement."""

    service: bool
    """Data of a service (`code` is its uuid of 16 bits), else of a maker (a company identifier)."""
    code: int
    data: bytes


def advertised(payload: bytes) -> list[Advertised]:
    """What an advertisement holds, in its order (Bluetooth Core 5, volume 3 part C, 11).

    Raises:
        DecodeError: no advertisement, too long, or cut off.
    """
    if not payload or len(payload) > LONGEST:
        raise DecodeError(
            "not_advertisement",
            f"A Bluetooth advertisement has 1 to {LONGEST:,} bytes; this has {len(payload):,}.",
        )
    return list(_fields(payload))


def _fields(payload: bytes) -> Iterator[Advertised]:
    at = 0
    while at < len(payload) and payload[at]:  # a length of 0 ends it early
        length = payload[at]
        field = payload[at + 1 : at + 1 + length]
        if len(field) < length:
            raise DecodeError(
                "not_advertisement",
                "This is no whole Bluetooth advertisement: a field of "
                f"{length} bytes has {len(field)}.",
            )
        if field[0] in (_MAKER, _SERVICE) and length >= 3:
            code = int.from_bytes(field[1:3], "little")
            yield Advertised(field[0] == _SERVICE, code, field[3:])
        at += 1 + length
