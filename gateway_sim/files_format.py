"""The files of a simulation (docs/simulator-files.md): names, columns, manifest.

What is in them depends on the seed and the other parameters alone: the same run has the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from core.errors import UserError
from gateway_sim.faults import FaultFile
from gateway_sim.scenario import Scenario

FORMAT = "saimi-simulation"
VERSION = 2
MANIFEST = "manifest.json"
"""Written last: a directory that has it is whole."""
UNFINISHED = "unfinished.json"
"""The manifest so far of a run that is not finished."""
READINGS = "readings"
"""The folder of the parts."""
HOMES_PER_PART = 2048
_ROWS_PER_GROUP = 262_144
_ROWS_PER_SLICE = 6_000_000
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SLICES = (
    _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 28 * _DAY,
)  # fmt: skip


def _text() -> pa.DataType:
    return pa.dictionary(pa.int32(), pa.string())


_TIME = pa.timestamp("ms", tz="UTC")
READING = pa.schema(
    [
        pa.field("gateway", _text(), nullable=False),
        pa.field("device", _text(), nullable=False),
        pa.field("metric", _text(), nullable=False),
        pa.field("time", _TIME, nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("unit", _text(), nullable=False),
        pa.field("qualifier", pa.int8(), nullable=False),
        pa.field("ahead_ms", pa.int64(), nullable=False),
    ]
)
HOME = pa.schema(
    [
        pa.field("gateway", pa.string(), nullable=False),
        pa.field("area", pa.string(), nullable=False),
        pa.field("clients", pa.int8(), nullable=False),
        pa.field("monitored", pa.bool_(), nullable=False),
    ]
)
CLIENT = pa.schema(
    [
        pa.field("client", pa.string(), nullable=False),
        pa.field("gateway", pa.string(), nullable=False),
        pa.field("born", pa.date32(), nullable=False),
        pa.field("conditions", pa.list_(pa.string()), nullable=False),
    ]
)
DEVICE = pa.schema(
    [
        pa.field("gateway", pa.string(), nullable=False),
        pa.field("device", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("location", pa.string(), nullable=False),
        pa.field("client", pa.string()),
        pa.field("silent_after_minutes", pa.float64()),
    ]
)
LABEL = pa.schema(
    [
        pa.field("client", pa.string(), nullable=False),
        pa.field("gateway", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("what", pa.string(), nullable=False),
        pa.field("time", _TIME, nullable=False),
    ]
)
FAULT = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("gateway", pa.string(), nullable=False),
        pa.field("device", pa.string()),
        pa.field("start", _TIME, nullable=False),
        pa.field("end", _TIME, nullable=False),
    ]
)
TABLES = {"homes": HOME, "clients": CLIENT, "devices": DEVICE, "labels": LABEL, "faults": FAULT}
"""The small files, each `<name>.parquet`."""


class File(msgspec.Struct, frozen=True):
    """One file of the run."""

    name: str
    """Path within the directory."""
    rows: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`manifest.json`: how the run was made, and what it holds."""

    format: str = FORMAT
    version: int = VERSION
    software: dict[str, str]
    """Versions of what decides about the bytes."""
    seed: int
    homes: int
    scenario: Scenario
    faults: FaultFile
    start: datetime
    """Readings that were measured at start <= time < end."""
    end: datetime
    vitals_every_s: float | None
    """Seconds between the packs of worn monitors; None: nobody wears one."""
    homes_per_part: int
    slice_s: int
    """Seconds of a row group; the first begins at `start`."""
    readings: int = 0
    files: list[File] = []

    @property
    def parts(self) -> int:
        """How many files the readings are in."""
        return -(-self.homes // self.homes_per_part)

    def homes_of(self, part: int) -> range:
        """The homes of a part."""
        first = part * self.homes_per_part
        return range(first, min(first + self.homes_per_part, self.homes))

    def slices(self) -> Iterator[tuple[float, float]]:
        """Beginning and end of each row group, Unix seconds."""
        start, end = self.start.timestamp(), self.end.timestamp()
        number = 0
        while start + number * self.slice_s < end:
            low = start + number * self.slice_s
            yield low, min(low + self.slice_s, end)
            number += 1


def part_name(part: int) -> str:
    """Path of a part of the readings within the directory."""
    return f"{READINGS}/part-{part:05d}.parquet"


def slice_for(homes: int, homes_per_part: int, vitals_every_s: float | None) -> int:
    """Seconds of a row group, so that neither it nor a slice of all homes has too many rows."""
    per_home_and_hour = 25.0 + (0.0 if vitals_every_s is None else 7.2 * 3600.0 / vitals_every_s)
    hours = min(
        _ROWS_PER_GROUP / (min(homes, homes_per_part) * per_home_and_hour),
        _ROWS_PER_SLICE / (homes * per_home_and_hour),
    )
    return max((s for s in _SLICES if s <= hours * _HOUR), default=_SLICES[0])


def sha256(path: Path) -> str:
    """Hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def encode_manifest(manifest: Manifest) -> bytes:
    """As JSON to be read by people too; the same manifest gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def read_manifest(path: Path) -> Manifest:
    """Read `manifest.json` or `unfinished.json`.

    Raises:
        UserError: it cannot be read, or is of another format or version.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        head: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        if (head.get("format"), head.get("version")) == (FORMAT, VERSION):
            return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise UserError(f"{path} is no manifest of a simulation: {error}.") from error
    raise UserError(
        f"{path} is of format {head.get('format')}, version {head.get('version')}: "
        f"this Saimi reads {FORMAT}, version {VERSION}."
    )
