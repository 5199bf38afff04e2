"""Readings as SenML packs (RFC 8428, JSON), as a gateway of ours writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import msgspec

from core.catalogue import catalogue
from gateway_sim.reading import Reading


class _Record(msgspec.Struct, omit_defaults=True):
    bn: str = ""
    bt: float = 0.0
    boot: str = ""
    seq: int = 0
    made: float = 0.0
    n: str = ""
    u: str = ""
    v: float | msgspec.UnsetType = msgspec.UNSET
    vs: str | msgspec.UnsetType = msgspec.UNSET
    vb: bool | msgspec.UnsetType = msgspec.UNSET
    t: float = 0.0
    qualifier: int = 0


_encode = msgspec.json.Encoder().encode


def encode_pack(
    readings: Sequence[Reading],
    boot: str,
    seq: int,
    units: Sequence[str | None] | None = None,
    texts: Mapping[int, str] | None = None,
    *,
    made: float = 0.0,
) -> bytes:
    """One message: the readings in their order, `boot` and `seq` on the first record.

    Args:
        readings: at least one; consecutive ones of one device share a base name.
        boot, seq: which message of the gateway it is.
        units: what each is given in; None: the catalogue's unit, a boolean if it has two codes.
        texts: by position, what is sent instead of a value that is no number.
        made: when the gateway makes it by its own clock, Unix seconds; 0: it does not say.

    Times are the first reading's plus milliseconds; a sum of two doubles is right to a microsecond.
    """
    base = readings[0].time
    records: list[_Record] = []
    device = ""
    for position, (time, name, metric, value, qualifier) in enumerate(readings):
        record = _Record(n=metric, qualifier=qualifier)
        if position == 0:
            record.bt, record.boot, record.seq = base, boot, seq
            record.made = made
        if name != device:
            record.bn = f"{name}/"
            device = name
        if time != base:
            record.t = round(time - base, 3)
        unit = units[position] if units is not None else None
        coded = False
        if unit is None:
            unit, coded = _form(metric)
        if texts and position in texts:
            record.vs = texts[position]
        elif coded:
            record.vb = value != 0.0
        else:
            record.u = unit
            record.v = value
        records.append(record)
    return _encode(records)


@cache
def _form(metric: str) -> tuple[str, bool]:
    """Unit of a metric, and whether it goes on the wire as a boolean."""
    entry = catalogue()[metric]
    return entry.unit, len(entry.codes) == 2
