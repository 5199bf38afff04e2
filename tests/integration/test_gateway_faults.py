"""Storms and foreign formats at a real broker: the ledger is right about what was sent and when."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.clock import ScaledClock, wall_time
from core.wire import decode_status, parse_topic
from gateway_sim.county import County
from gateway_sim.faults import NO_FAULTS, FaultFile
from gateway_sim.ledger import Ledger
from gateway_sim.scenario import Scenario, load_scenario
from gateway_sim.simulation import SimulationReport, simulate
from gateway_sim.store import StoreError
from saimi.embedded.broker import Broker
from tests.support.mqtt import session
from tests.support.receipts import ReceiptGiver

COUNTY = County(7, 8)
FACTOR = 600.0
HOUR = 3600.0


def faults(*several: dict[str, Any], space: int = 100_000) -> FaultFile:
    return msgspec.convert(
        {"name": "t", "description": "…", "hours": 4, "gateways": {"space": space},
         "fault": list(several)},
        FaultFile,
    )  # fmt: skip


async def play(
    url: str, folder: Path, what: FaultFile, scenario: Scenario, hours: float
) -> tuple[SimulationReport, datetime, Ledger]:
    """A simulation from its start to the last receipt; its start."""
    ledger = Ledger(folder / "ledger.db")
    began = wall_time()
    report = await simulate(
        county=COUNTY,
        clock=ScaledClock(began, began, FACTOR),
        mqtt_url=url,
        directory=folder,
        scenario=scenario,
        faults=what,
        stop=asyncio.Event(),
        ledger=ledger,
        duration=timedelta(hours=hours),
        patience=timedelta(seconds=20),
    )
    return report, began, ledger


@pytest.fixture
def broker(broker_factory: Callable[[str], Broker]) -> Broker:
    return broker_factory("mosquitto")


async def test_a_storm_costs_what_nothing_remembers_and_no_message(
    broker: Broker, tmp_path: Path
) -> None:
    area = COUNTY.homes[0].area
    dark = {home.gateway for home in COUNTY.homes if home.area == area}
    others = {home.gateway for home in COUNTY.homes} - dark
    assert others
    storm = faults(
        {"kind": "power_cut", "areas": [area], "from_hours": 0.5, "until_hours": 1.0},
        {"kind": "coverage", "from_hours": 1.25, "until_hours": 2.0},
        {"kind": "double", "devices": ["wearable"], "from_hours": 0, "rate": 0.2},
    )
    with ReceiptGiver(broker.url) as ingest:
        report, began, ledger = await play(broker.url, tmp_path, storm, load_scenario("quiet"), 2.5)
        with ledger:
            sent = {(m.gateway, m.boot, m.seq) for m in ledger.messages()}
            assert sent == set(ingest.messages)
            assert (report.unreceipted, report.dropped) == (0, 0)
            rows = [reading for chunk in ledger.readings() for reading in chunk]
            assert len(rows) == report.readings
            assert rows_of(ingest.messages) == Counter(
                (
                    r.gateway,
                    r.boot,
                    r.seq,
                    r.device,
                    r.metric,
                    round(r.time.timestamp(), 3),
                    r.value,
                )
                for r in rows
            )
            boots = defaultdict(set)
            for gateway, boot, _ in sent:
                boots[gateway].add(boot)
            assert all(len(boots[gateway]) == 2 for gateway in dark)
            assert all(len(boots[gateway]) == 1 for gateway in others)

            def made(hours: float) -> datetime:
                """When, in real time, this was so many hours into the run."""
                return began + timedelta(hours=hours) / FACTOR

            since = report.started.timestamp()
            hole = [r for r in rows if 1.3 < (r.time.timestamp() - since) / HOUR < 1.95]
            assert hole
            assert min(r.published_at for r in hole) >= made(2.0)
            cut = [r for r in rows if r.gateway in dark
                   and 0.5 < (r.time.timestamp() - since) / HOUR < 1.0]  # fmt: skip
            assert {r.device.partition("-")[0] for r in cut} >= {"monitor"}
            assert not {r for r in cut if r.device.startswith(("motion", "door", "climate"))}
            assert min(r.published_at for r in cut) >= made(1.0)
            gone = Counter(g for g, text in ingest.statuses if not decode_status(text).online)
            assert all(gone[gateway] >= 3 for gateway in dark), "cut, away, goodbye"
            assert all(gone[gateway] >= 2 for gateway in others)
            kinds = Counter(fault.kind for fault in ledger.truth_faults())
            assert kinds["power_cut"] == len(dark)
            assert kinds["coverage"] == len(COUNTY.homes)


def rows_of(messages: dict[tuple[str, str, int], bytes]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for key, payload in messages.items():
        name, base = "", 0.0
        for record in msgspec.json.decode(payload):
            name, base = record.get("bn", name), record.get("bt", base)
            value = float(record.get("v", record.get("vb", "nan")))
            time = round(base + record.get("t", 0.0), 3)
            found[(*key, name.rstrip("/"), record["n"], time, value)] += 1
    return found


async def test_a_full_gateway_gives_up_the_oldest_and_says_so(
    broker: Broker, tmp_path: Path
) -> None:
    away = faults({"kind": "coverage", "from_hours": 0.1, "until_hours": 2.0}, space=30)
    with ReceiptGiver(broker.url) as ingest:
        report, _, ledger = await play(broker.url, tmp_path, away, load_scenario("demo"), 2.5)
        with ledger:
            lost = list(ledger.messages_given_up())
            assert report.dropped == len(lost) > 100
            assert report.unreceipted == 0
            unsent = {(m.gateway, m.boot, m.seq) for m in lost if not m.published}
            sent = {(m.gateway, m.boot, m.seq) for m in ledger.messages()}
            assert set(ingest.messages) == sent
            assert not sent & unsent
            calls = [r for chunk in ledger.readings() for r in chunk if r.metric == "help"]
            assert len(calls) == 1, "pressed while it was away, when much was given up"
            events = [label for label in ledger.labels() if label.kind == "help"]
            assert events[0].time == calls[0].time


async def test_foreign_formats_are_in_the_ledger_as_they_were_published(
    broker: Broker, tmp_path: Path
) -> None:
    mixed = load_scenario("mixed")
    formats = {"zigbee2mqtt": 0.5, "gatt": 0.25, "ruuvi": 0.1, "theengs": 0.15}
    mixed = msgspec.structs.replace(
        mixed, gateways=msgspec.structs.replace(mixed.gateways, formats=formats)
    )
    with session(broker.url, "all", "saimi/v1/#") as inbox:
        report, _, ledger = await play(broker.url, tmp_path, NO_FAULTS, mixed, 3.0)
        with ledger:
            messages = list(ledger.messages())
            wanted = Counter((m.gateway, m.source) for m in messages)
            assert report.published == len(messages)
            assert {"zigbee2mqtt", "gatt"} <= {source for _, source in wanted}
            about = ("bridge/", "/availability", "down/", "status")
            inbox.wait(len(messages))

            def came() -> Counter[tuple[str, str]]:
                topics = [parse_topic(topic) for topic, _ in list(inbox.messages)]
                return Counter(
                    (t.gateway, t.source)
                    for t in topics
                    if t is not None
                    and t.source != "status"
                    and not any(word in t.rest for word in about)
                )

            for _ in range(200):
                if came() == wanted:
                    break
                await asyncio.sleep(0.05)
            assert came() == wanted
            statuses = [decode_status(payload) for topic, payload in inbox.messages
                        if topic.endswith("/status")]  # fmt: skip
            assert statuses
            assert not any(status.boot for status in statuses), "nothing to be complete about"


def test_a_ledger_of_another_version_is_refused(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE message (id INTEGER PRIMARY KEY)")
    with pytest.raises(StoreError, match="name a new file"):
        Ledger(path)
