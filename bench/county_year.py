"""A county with readings of a year, written in bulk: what dashboards and trends are measured on.

190 readings a client a day: a wearable, a cuff, scales, a glucose meter, motion in five rooms, a
front door and a bed; alerts with what became of them, shifts, pauses. Everything follows from the
seed. At 1,000 clients and 365 days that is 69 million readings; `saimi bench trends` says what the
database takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bench.bulk import Load, load_year
from core.catalogue import catalogue
from core.database import Connection, load_queries, server_info, translated
from ingest.aggregates import bring_up_to_date
from ingest.binary_copy import SINCE_2000

_DAY_US = 86_400 * 1_000_000
AREAS = ("imatra", "lappeenranta", "lemi", "luumaki", "parikkala", "rautjarvi", "ruokolahti",
         "savitaipale", "taipalsaari")  # fmt: skip


@dataclass(frozen=True)
class Sensor:
    """One metric of one device of each home."""

    device: int
    """Place in DEVICES."""
    metric: str
    a_day: int
    mean: float
    spread: float


DEVICES = (
    ("wearable", ""), ("cuff", ""), ("scale", ""), ("glucose_meter", ""), ("bed", "bedroom"),
    ("motion", "hallway"), ("motion", "kitchen"), ("motion", "livingroom"), ("motion", "bedroom"),
    ("motion", "bathroom"), ("door", "front door"),
)  # fmt: skip
"""Kind and place; up to the bed they are the client's own, the others the home's."""
_OWN = 5
SENSORS = (
    Sensor(0, "pulse", 24, 72, 6), Sensor(0, "spo2", 24, 96, 1.2),
    Sensor(0, "respiratory_rate", 24, 16, 2), Sensor(0, "temperature", 4, 36.7, 0.3),
    Sensor(1, "systolic", 2, 134, 9), Sensor(1, "diastolic", 2, 78, 6),
    Sensor(2, "weight", 1, 74, 0.5), Sensor(3, "glucose", 3, 7, 1.5), Sensor(4, "bed", 10, 0, 0),
    *(Sensor(room, "motion", 18, 0, 0) for room in range(5, 10)), Sensor(10, "door", 6, 0, 0),
)  # fmt: skip
A_DAY = sum(one.a_day for one in SENSORS)
_BED_HOURS = np.array([1.5, 1.7, 4.0, 4.2, 7.0, 13.0, 14.0, 19.0, 20.0, 22.2])
"""Up, lying, up, lying, up for the day, and so on, in UTC; each a few minutes off."""

_ROW = np.dtype(
    [("time", "i8"), ("received_at", "i8"), ("value", "f8"), ("device", "i4"), ("subject", "i4"),
     ("metric", "i2")]
)  # fmt: skip


@dataclass(frozen=True)
class CountyYear:
    """What was written."""

    clients: int
    days: int
    until: datetime
    alerts: int
    load: Load


async def fill(
    connection: Connection,
    *,
    clients: int,
    days: int,
    until: datetime,
    seed: int = 7,
    say: Callable[[str], None] = lambda _text: None,
) -> CountyYear:
    """Write the county into a new database and bring its aggregates up to date.

    Args:
        until: end of the last day; midnight in UTC.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    random = np.random.default_rng(seed)
    since = until - timedelta(days=days)
    queries = load_queries("bench")
    async with translated():
        refreshed = (await server_info(connection)).edition == "timescaledb-community"
        await _registry(connection, clients, days, since, until)
        weeks = (
            _week(clients, since + timedelta(days=start), min(7, days - start), random)
            for start in range(0, days, 7)
        )
        load = await load_year(connection, weeks, -(-days // 7), reckoned=not refreshed, say=say)
        if refreshed:
            say("aggregates")
            await queries.touch_span(connection, since=since, until=until)
            await bring_up_to_date(connection, until)
        alerts = await _alerts(connection, clients, min(days, 70), until, random)
        await queries.make_shifts(connection, since=since, days=days)
        # As autovacuum has long done in a database that took a year to fill.
        say("vacuum")
        await connection.execute("VACUUM (ANALYZE)")
    return CountyYear(clients, days, until, alerts, load)


async def _registry(
    connection: Connection, clients: int, days: int, since: datetime, until: datetime
) -> None:
    queries = load_queries("bench")
    before = since - timedelta(days=1)
    await queries.make_areas(connection, areas=list(AREAS))
    await queries.make_teams(connection)
    await queries.make_team_areas(connection)
    await queries.make_members(connection)
    await queries.make_homes(connection, clients=clients)
    await queries.make_subjects(connection, clients=clients)
    await queries.make_clients(connection, clients=clients)
    await queries.make_limits(connection, clients=clients, since=before)
    await queries.make_gateways(connection, clients=clients)
    kinds, places = (list(names) for names in zip(*DEVICES, strict=True))
    await queries.make_devices(connection, clients=clients, kinds=kinds, places=places)
    await queries.make_assignments(
        connection, clients=clients, devices=len(DEVICES), own=_OWN, since=before
    )
    await queries.make_care(connection, since=before)
    await queries.make_heard(connection, clients=clients, until=until)
    await queries.make_ledger(connection, clients=clients, since=since, days=days)
    await queries.make_ledger_days(connection, clients=clients, since=since, days=days)
    await queries.make_pauses(connection, clients=clients, until=until)


def _week(
    clients: int, since: datetime, days: int, random: np.random.Generator
) -> NDArray[np.void]:
    """Readings of all clients in the order in which they were measured."""
    parts = []
    first = int(since.timestamp()) * 1_000_000 - SINCE_2000
    client = np.arange(1, clients + 1)
    for sensor in SENSORS:
        shape = (clients, days, sensor.a_day)
        # A slot of the day each, so that no two of a sensor fall together.
        slot = np.arange(sensor.a_day) + random.random(shape)
        day = slot / sensor.a_day
        if sensor.metric == "bed":
            day = (_BED_HOURS + random.random(shape) * 0.1) / 24
        rows = np.empty(shape, dtype=_ROW)
        rows["time"] = first + np.arange(days)[:, None] * _DAY_US + (day * _DAY_US).astype(np.int64)
        rows["received_at"] = rows["time"] + 2_000_000
        rows["value"] = _values(sensor, shape, client, random)
        rows["device"] = ((client - 1) * len(DEVICES) + sensor.device + 1)[:, None, None]
        own = sensor.device < _OWN
        rows["subject"] = (client if own else client + clients)[:, None, None]
        rows["metric"] = catalogue()[sensor.metric].id
        parts.append(rows.ravel())
    whole = np.concatenate(parts)
    return whole[np.argsort(whole["time"], kind="stable")]


def _values(
    sensor: Sensor, shape: tuple[int, int, int], client: NDArray[np.int64],
    random: np.random.Generator,
) -> NDArray[np.float64]:  # fmt: skip
    if sensor.spread == 0:
        return np.broadcast_to(np.arange(sensor.a_day) % 2, shape).astype(np.float64)
    own = sensor.mean + sensor.spread * np.sin(client)[:, None, None]
    decimals = catalogue()[sensor.metric].decimals
    values = np.round(own + sensor.spread * random.standard_normal(shape), decimals)
    return np.clip(values, *catalogue()[sensor.metric].possible)


async def _alerts(
    connection: Connection, clients: int, days: int, until: datetime, random: np.random.Generator
) -> int:
    """One alert in twenty days a client, most of them dealt with."""
    count = max(1, clients * days // 20)
    kinds = ("news2", "spo2", "inactivity", "silence", "fall", "door")
    outcomes = ("real", "false", "technical", "known")
    records = []
    for share in np.sort(random.random(count)).tolist():
        at = until - (1.0 - share) * timedelta(days=days)
        kind = kinds[int(random.integers(len(kinds)))]
        subject = int(random.integers(1, clients + 1)) + (clients if kind == "silence" else 0)
        severity = int(random.integers(1, 5))
        waits = np.cumsum(random.exponential(600.0, 3))
        closed = random.random() < 0.97 and at + timedelta(seconds=float(waits[2])) < until
        records.append(
            (subject, kind, severity, at, closed, outcomes[int(random.integers(4))],
             *(at + timedelta(seconds=float(wait)) for wait in waits))
        )  # fmt: skip
    columns = list(zip(*records, strict=True))
    names = ("subjects", "kinds", "severities", "opened", "closed", "outcomes", "acknowledged",
             "contacted", "ended")  # fmt: skip
    made: int = await load_queries("bench").make_alerts(
        connection, **{name: list(values) for name, values in zip(names, columns, strict=True)}
    )
    return made
