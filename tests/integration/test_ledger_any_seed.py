"""For any seed, scenario, faults and formats: the ledger is what was handed to the MQTT client.

The whole simulator runs in this process, with its files; only the connection is a stand-in that
keeps what it is given and answers with receipts. `test_gateway_line.py` has the real brokers.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import MQTTProtocolVersion

from core.broker import BrokerAddress
from core.catalogue import catalogue
from core.clock import ManualClock
from core.wire import SENML, Receipt, encode, parse_topic
from gateway_sim import fleet, simulation
from gateway_sim.county import County
from gateway_sim.faults import FaultFile, load_faults
from gateway_sim.formats import FORMATS
from gateway_sim.ledger import Ledger
from gateway_sim.link import Connected, Inbox, Received, Terms
from gateway_sim.scenario import Scenario, load_scenario, shipped_scenarios
from ingest.decoders import decode

BEGIN = datetime(2026, 1, 15, 4, tzinfo=UTC)
HOURS = 9
ALL_KINDS = load_faults(Path(__file__).parents[1] / "unit" / "gateway_sim" / "all_kinds.toml")
Key = tuple[str, str, int]
Value = tuple[str, str, str, float | None, int]
"""Gateway, device, metric, value (None: no number), qualifier."""
wire: list[tuple[str, bytes]] = []
"""Topic and payload of everything that was handed over, in order."""


class Handle:
    def is_published(self) -> bool:
        return True


class Line:
    """In the place of `gateway_sim.link.Link`."""

    def __init__(
        self, address: BrokerAddress, terms: Terms, gateways: Sequence[str], client_id: str,
        inbox: Inbox, pool: object, *, own: bool, receipts: bool,
    ) -> None:  # fmt: skip
        self.gateways, self.own, self.up = tuple(gateways), own, False
        self._inbox = inbox

    def start(self) -> None:
        self.up = True
        self._inbox.put(Connected(self))  # type: ignore[arg-type]  # stands in for a link

    def cut(self, *, forget: bool = False) -> None:
        self.up = False

    def tend(self) -> None: ...

    def close(self) -> None: ...

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> Handle:
        assert self.up
        wire.append((topic, payload))
        parsed = parse_topic(topic)
        assert parsed is not None
        if parsed.source == SENML:
            first = msgspec.json.decode(payload)[0]
            receipt = encode(Receipt(first["boot"], [(first["seq"], first["seq"])]))
            self._inbox.put(Received(parsed.gateway, receipt))
        return Handle()


class Jumping(ManualClock):
    """Whoever sleeps wakes a quarter of an hour later, or when it wanted to."""

    async def sleep(self, duration: timedelta) -> None:
        await super().sleep(max(duration, timedelta(minutes=15)))


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def terms(*_: object) -> Terms:
        return Terms(MQTTProtocolVersion.MQTTv5, 1000)

    monkeypatch.setattr(fleet, "Link", Line)
    monkeypatch.setattr(fleet, "terms_of", terms)
    monkeypatch.setattr(simulation, "_STEP_S", 0.0)


@st.composite
def stories(draw: st.DrawFn) -> tuple[Scenario, FaultFile]:
    """A scenario that ships, spoken in some formats, with some of all faults."""
    scenario = load_scenario(draw(st.sampled_from(shipped_scenarios())))
    spoken = draw(st.lists(st.sampled_from(sorted(FORMATS)), unique=True))
    scenario.gateways.formats = {name: 0.6 / len(spoken) for name in spoken}
    several = draw(st.lists(st.sampled_from(ALL_KINDS.fault), unique_by=id))
    part = HOURS / ALL_KINDS.hours
    hours = "from_hours", "until_hours", "spread_hours", "empty_hours"
    written = [
        {
            name: part * value if name in hours and value is not None else value
            for name, value in msgspec.to_builtins(fault).items()
        }
        for fault in several
    ]
    space = draw(st.sampled_from([10, 50, 100_000]))
    file = {"name": "t", "description": "…", "hours": HOURS, "gateways": {"space": space}}
    return scenario, msgspec.convert({**file, "fault": written}, FaultFile)


async def play(folder: Path, seed: int, scenario: Scenario, faults: FaultFile) -> Ledger:
    wire.clear()
    ledger = Ledger(folder / "ledger.db")
    report = await simulation.simulate(
        county=County(seed, 4),
        clock=Jumping(BEGIN),
        mqtt_url="mqtt://127.0.0.1:9",
        directory=folder,
        scenario=scenario,
        faults=faults,
        stop=asyncio.Event(),
        ledger=ledger,
        history=timedelta(hours=2),
        duration=timedelta(hours=HOURS - 1),
        patience=timedelta(seconds=10 if not down_at_the_end(faults) else 0),
    )
    assert report.published == ledger.message_count()
    assert report.dropped == sum(1 for _ in ledger.messages_given_up())
    if not down_at_the_end(faults):
        assert report.unreceipted == 0
    return ledger


def down_at_the_end(faults: FaultFile) -> bool:
    ends = [fault.until_hours or HOURS for fault in faults.fault
            if fault.kind in ("power_cut", "coverage")]  # fmt: skip
    return any(end >= HOURS - 1 for end in ends)


def packs() -> tuple[dict[Key, bytes], Counter[tuple[Any, ...]]]:
    """SenML messages by key, and their readings: gateway, boot, seq, device, metric, ms, …"""
    messages: dict[Key, bytes] = {}
    readings: Counter[tuple[Any, ...]] = Counter()
    for topic, payload in wire:
        parsed = parse_topic(topic)
        if parsed is None or parsed.source != SENML:
            continue
        records = msgspec.json.decode(payload)
        key = parsed.gateway, records[0]["boot"], records[0]["seq"]
        if key in messages:
            assert messages[key] == payload, "a repeat is the same message"
            continue
        messages[key] = payload
        name, base = "", 0.0
        for record in records:
            name, base = record.get("bn", name), record.get("bt", base)
            value = float(record.get("v", record.get("vb", "nan")))
            at = round(1000.0 * (base + record.get("t", 0.0)))
            sign = record.get("qualifier", 0)
            readings[*key, name.rstrip("/"), record["n"], at, value, sign] += 1
    return messages, readings


def foreign() -> tuple[Counter[tuple[str, str]], Counter[Value]]:
    """Messages with readings by gateway and source, and what ingest's decoders read in them."""
    messages: Counter[tuple[str, str]] = Counter()
    readings: Counter[Value] = Counter()
    learned: dict[str, dict[str, Any]] = defaultdict(dict)
    for topic, payload in wire:
        parsed = parse_topic(topic)
        if parsed is None or parsed.source not in FORMATS:
            continue
        known = learned[parsed.gateway]
        result = decode(parsed.source, parsed.rest, payload, BEGIN.timestamp(), known)
        known.update(result.learned)
        messages[parsed.gateway, parsed.source] += bool(result.records)
        for record in result.records:
            assert isinstance(record.value, (int, float))
            device, metric = record.channel.device, record.channel.metric
            conversion = catalogue()[metric].conversion(record.channel.unit)
            assert conversion is not None
            sign = int(record.qualifier)
            value = shown(record.value * conversion.factor + conversion.offset, sign)
            readings[parsed.gateway, device, metric, value, sign] += 1
    return +messages, readings


def shown(value: float, sign: int) -> float | None:
    """What is beyond a device's range goes out as a mark in these formats, without its value."""
    return None if sign or math.isnan(value) else round(value, 6)


# Shrinking would play hundreds of stories more.
@given(seed=st.integers(0, 2**40), story=stories())
@settings(
    max_examples=20,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_ledger_is_what_was_handed_to_the_client(
    in_process: None, seed: int, story: tuple[Scenario, FaultFile]
) -> None:
    with (
        TemporaryDirectory() as folder,
        asyncio.run(play(Path(folder), seed, *story)) as ledger,
    ):
        sent = list(ledger.messages())
        rows = [row for chunk in ledger.readings() for row in chunk]
    ours = {(m.gateway, m.boot, m.seq) for m in sent if m.source == SENML}
    messages, readings = packs()
    assert ours == set(messages)
    assert readings == Counter(
        (r.gateway, r.boot, r.seq, r.device, r.metric, round(1000.0 * r.time.timestamp()), r.value,
         r.qualifier)
        for r in rows
        if (r.gateway, r.boot, r.seq) in ours
    )  # fmt: skip
    others, told = foreign()
    assert others == Counter((m.gateway, m.source) for m in sent if m.source != SENML)
    assert told == Counter(
        (r.gateway, r.device, r.metric, shown(r.value, r.qualifier), r.qualifier)
        for r in rows
        if (r.gateway, r.boot, r.seq) not in ours
    )
