"""TIHM, recorded homes: its files as a registry document and as a stream of readings.

TIHM: An open dataset for remote healthcare monitoring in dementia (Palermo, Barnaghi and others,
Scientific Data 2023), CC BY 4.0. Activity.csv: patient_id, location_name, date; Physiology.csv:
patient_id, date, device_type, value, unit; both plain or gzipped, in order of time.

The dates carry no zone. They are read as Europe/London: the homes are in England, and the study's
labels sit some 41 minutes *before* the readings that caused them, which fits labels in UTC and
readings in British Summer Time.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.errors import UserError
from core.registry import Area, Client, Device, Document, Home
from gateway_sim import recording
from gateway_sim.reading import Reading
from gateway_sim.tihm_files import open_table

LONDON = ZoneInfo("Europe/London")
AREA = "tihm"
IN_USE_SINCE = datetime(2019, 1, 1, tzinfo=UTC)
"""Before the first row of the dataset (2019-04-01)."""

_METRICS = {
    "Heart rate": "pulse",
    "Body Temperature": "temperature",
    "Skin Temperature": "skin_temperature",
    "Systolic blood pressure": "systolic",
    "Diastolic blood pressure": "diastolic",
    "Body weight": "weight",
    "O/E - muscle mass": "muscle_mass",
    "Total body water": "body_water",
}
_KINDS = {
    "pulse": "cuff",
    "systolic": "cuff",
    "diastolic": "cuff",
    "temperature": "thermometer",
    "skin_temperature": "thermometer",
    "weight": "scale",
    "muscle_mass": "scale",
    "body_water": "scale",
}
_ACTIVITY = ("patient_id", "location_name", "date")
_PHYSIOLOGY = ("patient_id", "date", "device_type", "value", "unit")


class Row(NamedTuple):
    """One row of the dataset."""

    time: float
    """Unix seconds."""
    patient: str
    device: str
    metric: str
    value: float
    """NaN if the file has no number there."""
    unit: str | None
    """As the file gives it; None for what a sensor merely noticed."""
    text: str
    """The value as the file gives it."""


@dataclass
class Survey:
    """What a part of the dataset holds."""

    rows: int = 0
    first: float = math.inf
    last: float = -math.inf
    """Unix seconds."""
    devices: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    """(device, metric) by patient."""


def gateway_name(patient: str) -> str:
    """The gateway of a patient's home."""
    return f"tihm-{patient}"


def survey(directory: Path, start: datetime | None = None, end: datetime | None = None) -> Survey:
    """Count the rows with start <= time < end, and what devices there are; memory stays small.

    Raises:
        UserError: the folder has not the dataset's files, or they have other columns.
    """
    found = Survey()
    bounds = _bounds(start, end)
    for row in chain(_activity(directory, *bounds), _physiology(directory, *bounds)):
        found.rows += 1
        found.first = min(found.first, row.time)
        found.last = max(found.last, row.time)
        found.devices.setdefault(row.patient, set()).add((row.device, row.metric))
    return found


def rows(
    directory: Path, start: datetime | None = None, end: datetime | None = None
) -> Iterator[Row]:
    """All rows with start <= time < end, in order of time as far as the files are.

    Each file is in order of time, so the two are merged while they are read and no more than a
    row of each is in memory. Were a file not in order, its rows would come in the file's order:
    every row comes once either way.

    Raises:
        UserError: as `survey`; or a date cannot be read (names file and line).
    """
    bounds = _bounds(start, end)
    return heapq.merge(
        _activity(directory, *bounds), _physiology(directory, *bounds), key=lambda row: row.time
    )


def rows_of_activity(directory: Path) -> Iterator[Row]:
    """The rows of sensors that merely noticed something, in the file's order.

    Raises:
        UserError: as `rows`.
    """
    return _activity(directory, *_bounds(None, None))


def rows_of_physiology(
    directory: Path, start: datetime | None = None, end: datetime | None = None
) -> Iterator[Row]:
    """The rows of what was measured with start <= time < end, in the file's order.

    Raises:
        UserError: as `rows`.
    """
    return _physiology(directory, *_bounds(start, end))


class Recording:
    """The rows with start <= time < end, to be sent again.

    Raises:
        UserError: as `survey`.
    """

    def __init__(
        self, directory: Path, start: datetime | None = None, end: datetime | None = None
    ) -> None:
        self._directory, self._bounds = directory, (start, end)
        found = survey(directory, start, end)
        self.gateways = [gateway_name(patient) for patient in sorted(found.devices)]
        self.rows = found.rows
        self.first, self.last = found.first, found.last

    def document(self) -> Document:
        """The homes as a registry document, also those without rows in that time."""
        return document(self._directory)

    def in_order(self) -> Iterator[recording.Row]:
        """All rows, in order of time as far as the files are."""
        for row in rows(self._directory, *self._bounds):
            reading = Reading(row.time, row.device, row.metric, row.value)
            yield recording.Row(gateway_name(row.patient), reading, row.time, row.unit, row.text)

    def packs(self, most: int) -> Iterator[recording.Pack]:
        """All rows, packed."""
        return recording.packed(self.in_order(), most)


def document(directory: Path) -> Document:
    """The registry document of all homes in the dataset: one gateway a home, no team.

    One client lives in each home as far as the dataset says, so all devices speak of that one.

    Raises:
        UserError: as `survey`.
    """
    ages = _ages(directory)
    devices = survey(directory).devices
    return Document(
        areas=[Area(AREA, "TIHM")],
        homes=[
            _home(patient, ages.get(patient), devices.get(patient, set()))
            for patient in sorted(devices.keys() | ages.keys())
        ],
    )


def _home(patient: str, born: date | None, devices: Iterable[tuple[str, str]]) -> Home:
    reference = f"tihm-{patient}"
    return Home(
        name=reference,
        area=AREA,
        gateway=gateway_name(patient),
        clients=[
            Client(
                reference=reference,
                given_name="TIHM",
                family_name=patient,
                born=born or date(1940, 7, 1),
                language="en",
                conditions=["dementia"],
            )
        ],
        devices=[
            Device(
                name=device,
                kind=_KINDS.get(metric, metric),
                location=device.partition("-")[2] if metric in ("motion", "door") else "",
                subject=reference,
                assigned_from=IN_USE_SINCE,
            )
            for device, metric in sorted(devices)
        ],
    )


def _ages(directory: Path) -> dict[str, date]:
    """Middle of the age band in 2019, as a date of birth; empty without that file."""
    ages: dict[str, date] = {}
    try:
        with open_table(directory, "Demographics", ("patient_id", "age", "sex")) as found:
            for patient, band, *_ in found:
                ends = [int(number) for number in re.findall(r"\d+", band)]
                if ends:
                    ages[patient] = date(2019 - sum(ends) // len(ends), 7, 1)
    except UserError:
        return {}
    return ages


def _activity(directory: Path, low: str, high: str) -> Iterator[Row]:
    with open_table(directory, "Activity", _ACTIVITY) as found:
        for patient, location, at in found:
            if low <= at < high:
                device, metric = _activity_device(location)
                yield Row(_unix(at), patient, device, metric, 1.0, None, "")


def _physiology(directory: Path, low: str, high: str) -> Iterator[Row]:
    with open_table(directory, "Physiology", _PHYSIOLOGY) as found:
        for patient, at, kind, text, unit in found:
            if low <= at < high:
                device, metric = _physiology_device(kind)
                yield Row(_unix(at), patient, device, metric, _number(text), unit, text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


@lru_cache(maxsize=1000)
def _activity_device(location: str) -> tuple[str, str]:
    if location.endswith(" Door"):
        return f"door-{_slug(location.removesuffix(' Door'))}", "door"
    return f"motion-{_slug(location)}", "motion"


@lru_cache(maxsize=1000)
def _physiology_device(kind: str) -> tuple[str, str]:
    # What nobody knows goes out under its own name; ingest says what it thinks of it.
    return _slug(kind), _METRICS.get(kind, _slug(kind).replace("-", "_"))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _unix(at: str) -> float:
    return _hour(at[:13]) + 60.0 * int(at[14:16]) + float(at[17:])


@lru_cache(maxsize=1000)
def _hour(text: str) -> float:
    """Unix seconds of `2019-04-01 13` in London: clocks there change on the hour."""
    return datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=LONDON).timestamp()


def _bounds(start: datetime | None, end: datetime | None) -> tuple[str, str]:
    """Bounds as the files write times, which sort as text."""
    low = "" if start is None else f"{start.astimezone(LONDON):%Y-%m-%d %H:%M:%S}"
    high = "~" if end is None else f"{end.astimezone(LONDON):%Y-%m-%d %H:%M:%S}"
    return low, high
