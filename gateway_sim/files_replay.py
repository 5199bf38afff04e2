"""The files of a simulation as something that can be sent again through MQTT."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from core.registry import Area, Client, Device, Document, Home
from gateway_sim.files_read import Recording
from gateway_sim.files_rows import Rows
from gateway_sim.reading import Reading
from gateway_sim.recording import Pack, Row

_IN_USE_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""No simulation begins earlier."""


class FilesRecording:
    """Readings of a finished simulation that were measured at start <= time < end.

    Raises:
        UserError: as `Recording`.
        SaimiError: a file was damaged.
    """

    def __init__(
        self, directory: Path, start: datetime | None = None, end: datetime | None = None
    ) -> None:
        self._recording = Recording(directory)
        self._bounds = start, end
        self.gateways = self._recording.gateways
        self.rows, first, last = self._recording.extent(start, end)
        self.first, self.last = first / 1000.0, last / 1000.0

    def document(self) -> Document:
        """The homes as a registry document; clients are called by their pseudonyms."""
        of_home: dict[str, dict[str, list[dict[str, Any]]]] = {
            name: defaultdict(list) for name in ("clients", "devices")
        }
        for name, rows in of_home.items():
            for row in self._recording.table(name).to_pylist():
                rows[row["gateway"]].append(row)
        homes = self._recording.table("homes").to_pylist()
        return Document(
            areas=[Area(code, code) for code in sorted({home["area"] for home in homes})],
            homes=[
                _home(
                    home, of_home["clients"][home["gateway"]], of_home["devices"][home["gateway"]]
                )
                for home in homes
            ],
        )

    def in_order(self) -> Iterator[Row]:
        """All readings in the order of measuring."""
        for rows in self._recording.slices(*self._bounds):
            gateways = rows.gateway.names
            moments = (rows.measured / 1000.0).tolist()
            for gateway, at, reading in zip(
                rows.gateway.codes.tolist(), moments, _readings(rows), strict=True
            ):
                yield Row(gateways[gateway], reading, at)

    def packs(self, most: int) -> Iterator[Pack]:
        """All readings, in blocks of homes that follow one another."""
        for rows in self._recording.blocks(*self._bounds):
            readings = list(_readings(rows))
            codes = rows.gateway.codes
            cuts = np.flatnonzero(np.diff(codes)) + 1
            for low, high in pairwise([0, *cuts.tolist(), len(rows)]):
                for first in range(low, high, most):
                    past = min(first + most, high)
                    yield Pack(rows.gateway.names[codes[first]], readings[first:past])


def _readings(rows: Rows) -> Iterator[Reading]:
    devices, metrics = rows.device.names, rows.metric.names
    for time, device, metric, value, qualifier in zip(
        (rows.time / 1000.0).tolist(), rows.device.codes.tolist(), rows.metric.codes.tolist(),
        rows.value.tolist(), rows.qualifier.tolist(), strict=True,
    ):  # fmt: skip
        yield Reading(time, devices[device], metrics[metric], value, qualifier)


def _home(
    home: dict[str, Any], clients: list[dict[str, Any]], devices: list[dict[str, Any]]
) -> Home:
    alone: str | None = clients[0]["client"] if len(clients) == 1 else None
    return Home(
        name=home["gateway"],
        area=home["area"],
        gateway=home["gateway"],
        clients=[
            Client(
                reference=client["client"],
                given_name="Simulated",
                family_name=client["client"],
                born=client["born"],
                conditions=client["conditions"],
            )
            for client in clients
        ],
        devices=[
            Device(
                name=device["device"],
                kind=device["kind"],
                location=device["location"],
                silent_after_minutes=device["silent_after_minutes"],
                subject=device["client"] or alone,
                assigned_from=_IN_USE_SINCE,
            )
            for device in devices
        ],
    )
