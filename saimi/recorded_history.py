"""Recordings as history for the backtest: simulated homes (`saimi simulate --out`), and TIHM.

Readings pass what ingest would check of their values: unit and possible range. Clocks are taken as
right: the time of a simulated reading is when it truly was measured. A reading is received when it
is measured, unless its gateway had no network or power: then at the end of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.backtest.history import Columns, History, Listened, Person, Placed
from alerts.learned.learned import place_of
from alerts.silence.county import SERVICE
from alerts.subjects.at_risk import AtRisk, needs_of
from alerts.subjects.subject import Client
from core.catalogue import catalogue
from core.errors import UserError
from gateway_sim import tihm
from gateway_sim.files_read import Recording
from gateway_sim.files_rows import Rows
from saimi.simulated_outages import STORED

WILL = timedelta(seconds=90)
"""How soon a broker tells that a gateway's connection is gone: one and a half of a keep-alive of a
minute."""


class Homes:
    """The subjects and devices of a simulation, numbered as the database would."""

    def __init__(self, recording: Recording) -> None:
        clients = recording.table("clients").to_pylist()
        gateways = recording.gateways
        self.client = {one["client"]: number for number, one in enumerate(clients, 1)}
        self.home = {name: len(clients) + number for number, name in enumerate(gateways, 1)}
        self.people = {
            number: Person(
                number,
                name,
                client=Client(one["born"], conditions=frozenset(one["conditions"])),
                home=self.home[one["gateway"]],
            )
            for (name, number), one in zip(self.client.items(), clients, strict=True)
        }
        self.living: dict[str, list[int]] = {}
        for one in clients:
            self.living.setdefault(one["gateway"], []).append(self.client[one["client"]])
        devices = recording.table("devices").to_pylist()
        self.people |= self._homes(recording.table("homes").to_pylist(), devices)
        self.device = {
            (one["gateway"], one["device"]): number for number, one in enumerate(devices, 1)
        }
        self.owner = np.zeros(len(devices) + 1, dtype=np.int32)
        self.listened = []
        self.placed = {
            number: Placed(one["kind"], one["location"].lower())
            for number, one in enumerate(devices, 1)
        }
        self.places = {
            # In a home for two a bed tells of one of them only (`learned_devices`).
            number: -1
            if one["kind"] == "bed" and len(self.living[one["gateway"]]) > 1
            else place_of(one["kind"], one["location"])
            for number, one in enumerate(devices, 1)
        }
        for number, one in enumerate(devices, 1):
            gateway = one["gateway"]
            owner = self._owner(gateway, one["client"])
            self.owner[number] = owner
            if one["silent_after_minutes"] is not None:
                self.listened.append(
                    Listened(
                        id=number,
                        name=one["device"],
                        kind=one["kind"],
                        location=one["location"],
                        gateway=gateway,
                        owner=owner,
                        silent_after=timedelta(minutes=one["silent_after_minutes"]),
                        watchers=(*self.living[gateway], self.home[gateway]),
                    )
                )

    def _homes(
        self, homes: Sequence[Mapping[str, Any]], devices: Sequence[Mapping[str, Any]]
    ) -> dict[int, Person]:
        """Homes, with who is at risk in them, their areas, and the county (SERVICE)."""
        kinds: dict[tuple[str, str | None], list[str]] = {}
        for one in devices:
            kinds.setdefault((one["gateway"], one["client"]), []).append(one["kind"])
        codes = sorted({one["area"] for one in homes})
        area = {code: SERVICE - number for number, code in enumerate(codes, 1)}
        found = {area[code]: Person(area[code], code, "area") for code in codes}
        found[SERVICE] = Person(SERVICE, "county", "service")
        for one in homes:
            gateway, number = one["gateway"], self.home[one["gateway"]]
            at_risk = []
            for client in self.living.get(gateway, ()):
                person = self.people[client]
                conditions = person.client.conditions if person.client else ()
                has = [*kinds.get((gateway, None), ()), *kinds.get((gateway, person.name), ())]
                if needs := needs_of(oxygen=None, conditions=conditions, devices=has):
                    at_risk.append(AtRisk(client, needs))
            found[number] = Person(
                number, gateway, "home", home=number, area=area[one["area"]], at_risk=tuple(at_risk)
            )
        return found

    def _owner(self, gateway: str, client: str | None) -> int:
        """The client it measures; who lives alone owns all; else it is the home's."""
        if client is not None:
            return self.client[client]
        alone = self.living[gateway]
        return alone[0] if len(alone) == 1 else self.home[gateway]


def simulated_history(
    recording: Recording,
    homes: Homes,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    silence: bool = True,
) -> History:
    """What the devices of a simulation said, measured at start <= time < end.

    Raises:
        SaimiError: a file was damaged.
    """
    manifest = recording.manifest
    stored = _stored(recording)
    parts = [_columns(rows, homes, stored) for rows in recording.blocks(start, end)]
    readings = _once(Columns.joined(parts)).in_order()
    return History(
        people=homes.people,
        readings=readings,
        start=start or manifest.start,
        end=end or manifest.end,
        devices=homes.listened if silence else (),
        places=homes.places,
        placed=homes.placed,
        gone={
            gateway: [(_at(low) + WILL, max(_at(high), _at(low) + WILL)) for low, high in times]
            for gateway, times in stored.items()
        },
    )


def _columns(rows: Rows, homes: Homes, stored: dict[str, list[tuple[int, int]]]) -> Columns:
    pairs = rows.gateway.codes.astype(np.int64) * len(rows.device.names) + rows.device.codes
    distinct, place = np.unique(pairs, return_inverse=True)
    numbers = []
    for pair in distinct.tolist():
        gateway, device = divmod(pair, len(rows.device.names))
        numbers.append(
            homes.device.get((rows.gateway.names[gateway], rows.device.names[device]), 0)
        )
    device = np.array(numbers, dtype=np.int32)[place]
    names = catalogue()
    metric = np.array([names[name].id for name in rows.metric.names], dtype=np.int16)[
        rows.metric.codes
    ]
    time = rows.measured * 1000
    received = time.copy()
    for gateway_name, times in stored.items():
        if gateway_name in rows.gateway.names:
            of = rows.gateway.codes == rows.gateway.names.index(gateway_name)
            for low, high in times:
                received[of & (time >= low) & (time < high)] = high
    found = Columns(
        homes.owner[device], device, metric, time, received, rows.value,
        rows.qualifier, np.zeros(len(rows), dtype=np.int8),
    )  # fmt: skip
    # Who an unknown device speaks of is not known either (faults that renumber).
    return found.take((device > 0) & _possible(metric, rows.value))


def _possible(metric: NDArray[Any], value: NDArray[np.float64]) -> NDArray[np.bool_]:
    names = catalogue()
    within: NDArray[np.bool_] = (value >= names.low[metric]) & (value <= names.high[metric])
    return within


def _once(readings: Columns) -> Columns:
    """Of readings with the same device, metric and time the first."""
    order = np.lexsort((readings.time, readings.metric, readings.device))
    again = np.zeros(len(order), dtype=bool)
    again[1:] = np.all(
        [
            np.diff(column[order]) == 0
            for column in (readings.time, readings.metric, readings.device)
        ],
        axis=0,
    )
    return readings.take(np.sort(order[~again])) if again.any() else readings


def _at(micros_since_1970: int) -> datetime:
    return datetime.fromtimestamp(micros_since_1970 / 1e6, UTC)


def _stored(recording: Recording) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for fault in recording.faults():
        if fault.kind in STORED:
            times = (round(fault.start * 1e6), round(fault.end * 1e6))
            found.setdefault(fault.gateway, []).append(times)
    return found


def tihm_history(
    directory: Path, *, start: datetime | None = None, end: datetime | None = None
) -> History:
    """TIHM's vital signs as they came, one client a home; activity is left out.

    Raises:
        UserError: the folder has not the dataset's files.
    """
    people: dict[int, Person] = {}
    number: dict[str, int] = {}
    devices: dict[tuple[str, str], int] = {}
    for n, home in enumerate(tihm.document(directory).homes, 1):
        (client,) = home.clients
        number[home.name.removeprefix("tihm-")] = n
        people[n] = Person(
            n, client.reference, client=Client(client.born, conditions=frozenset(client.conditions))
        )
    rows: list[tuple[int, int, int, int, float]] = []
    names = catalogue()
    for row in tihm.rows_of_physiology(directory, start, end):
        metric = names.by_name.get(row.metric)
        conversion = metric.conversion(row.unit) if metric is not None else None
        if metric is None or conversion is None:
            continue
        device = devices.setdefault((row.patient, row.device), len(devices) + 1)
        value = row.value * conversion.factor + conversion.offset
        rows.append((number[row.patient], device, metric.id, round(row.time * 1e6), value))
    if not rows:
        raise UserError(f"{directory} has no vital signs in that time, so nothing can be replayed.")
    subject, device_ids, metrics, times = (
        np.array([row[place] for row in rows], dtype=np.int64) for place in range(4)
    )
    values = np.array([row[4] for row in rows])
    none = np.zeros(len(rows), dtype=np.int8)
    readings = Columns(subject, device_ids, metrics, times, times, values, none, none)
    readings = _once(readings.take(_possible(metrics, values))).in_order()
    first, last = int(readings.time.min()), int(readings.time.max())
    return History(
        people=people,
        readings=readings,
        start=start or datetime.fromtimestamp(first / 1e6, UTC) - timedelta(seconds=1),
        end=end or datetime.fromtimestamp(last / 1e6, UTC) + timedelta(days=1),
    )
