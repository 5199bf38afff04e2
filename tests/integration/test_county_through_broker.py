"""A county that is made or was written goes through a real broker, accounted for row by row."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from core.clock import REAL_CLOCK
from gateway_sim.faults import NO_FAULTS, FaultFile
from gateway_sim.files_format import Manifest
from gateway_sim.files_replay import FilesRecording
from gateway_sim.files_write import county_of, planned, write_files
from gateway_sim.ledger import Ledger
from gateway_sim.made import Made
from gateway_sim.replay import ReplayReport, replay
from gateway_sim.scenario import load_scenario
from saimi.embedded.broker import Broker
from tests.support.commands import saimi
from tests.support.receipts import ReceiptGiver
from tests.support.waiting import wait_for

# The clock goes forward at 01:00 UTC.
START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
Value = tuple[str, str, str, int, float, int]


@pytest.fixture
def broker(broker_factory: Callable[[str], Broker]) -> Broker:
    return broker_factory("mosquitto")


def run(faults: FaultFile = NO_FAULTS) -> Manifest:
    return planned(
        seed=7, homes=5, scenario=load_scenario("quiet"), start=START,
        end=START + timedelta(hours=1), vitals_every_s=60.0, homes_per_part=2, faults=faults,
    )  # fmt: skip


FAULTY = msgspec.convert(
    {
        "name": "an hour", "description": "Clocks, marks, doubles and a power cut.", "hours": 1,
        "fault": [
            {"kind": "clock_jump", "from_hours": 0.1, "seconds": 3600, "devices": ["wearable"]},
            {"kind": "clock_reset", "from_hours": 0.2, "share": 0.5, "devices": ["motion"]},
            {"kind": "limits", "from_hours": 0, "metrics": ["pulse"], "low": 65, "high": 70},
            {"kind": "double", "from_hours": 0, "rate": 0.2},
            {"kind": "renumber", "from_hours": 0.5, "devices": ["wearable"]},
            {"kind": "power_cut", "from_hours": 0.4, "until_hours": 0.7, "share": 0.5},
        ],
    },
    FaultFile,
)  # fmt: skip


def written(directory: Path) -> Counter[Value]:
    """Rows of the files: gateway, device, metric, milliseconds, value, qualifier."""
    found: Counter[Value] = Counter()
    for path in sorted((directory / "readings").iterdir()):
        for row in pq.read_table(path).to_pylist():
            at = round(row["time"].timestamp() * 1000)
            of = row["gateway"], row["device"], row["metric"]
            found[*of, at, row["value"], row["qualifier"]] += 1
    return found


def arrived(messages: dict[tuple[str, str, int], bytes]) -> Counter[Value]:
    """The same, of SenML packs."""
    found: Counter[Value] = Counter()
    for (gateway, _, _), payload in messages.items():
        name, base = "", 0.0
        for record in msgspec.json.decode(payload):
            name, base = record.get("bn", name), record.get("bt", base)
            value = float(record.get("v", record.get("vb", "nan")))
            at = round((base + record.get("t", 0.0)) * 1000)
            of = gateway, name.rstrip("/"), record["n"]
            found[*of, at, value, record.get("qualifier", 0)] += 1
    return found


def numbered_without_gaps(messages: dict[tuple[str, str, int], bytes]) -> bool:
    count = Counter((gateway, boot) for gateway, boot, _ in messages)
    return all(1 <= seq <= count[gateway, boot] for gateway, boot, seq in messages)


@pytest.mark.parametrize("faults", [NO_FAULTS, FAULTY], ids=lambda faults: str(faults.name))
@pytest.mark.parametrize("speed", [None, 3600.0])
async def test_what_was_written_is_replayed_row_by_row(
    broker: Broker, tmp_path: Path, speed: float | None, faults: FaultFile
) -> None:
    write_files(tmp_path / "county", run(faults))
    rows = written(tmp_path / "county")
    with ReceiptGiver(broker.url) as ingest:
        report = await replay(
            FilesRecording(tmp_path / "county"),
            mqtt_url=broker.url, clock=REAL_CLOCK, stop=asyncio.Event(), speed=speed,
        )  # fmt: skip
    assert arrived(ingest.messages) == rows
    assert (report.rows, report.unreceipted, report.homes) == (rows.total(), 0, 5)
    assert report.messages == len(ingest.messages)
    assert numbered_without_gaps(ingest.messages)
    if speed is not None:
        assert 0.9 <= report.seconds < 10.0  # a clock that is an hour ahead holds nothing up


async def test_a_part_of_what_was_written(broker: Broker, tmp_path: Path) -> None:
    write_files(tmp_path / "county", run())
    start, end = START + timedelta(minutes=7), START + timedelta(minutes=40)
    low, high = start.timestamp() * 1000, end.timestamp() * 1000
    rows = Counter({v: n for v, n in written(tmp_path / "county").items() if low <= v[3] < high})
    with ReceiptGiver(broker.url) as ingest:
        report = await replay(
            FilesRecording(tmp_path / "county", start, end),
            mqtt_url=broker.url, clock=REAL_CLOCK, stop=asyncio.Event(),
        )  # fmt: skip
    assert arrived(ingest.messages) == rows
    assert report.rows == rows.total() > 100


async def made(broker: Broker, faults: FaultFile = NO_FAULTS) -> ReplayReport:
    return await replay(
        Made(county_of(run()), run(faults)),
        mqtt_url=broker.url, clock=REAL_CLOCK, stop=asyncio.Event(), connections=0, receipts=False,
    )  # fmt: skip


@pytest.mark.parametrize("faults", [NO_FAULTS, FAULTY], ids=lambda faults: str(faults.name))
async def test_what_is_made_on_the_way_is_what_would_be_written(
    broker: Broker, tmp_path: Path, faults: FaultFile
) -> None:
    """Nobody gives receipts: the broker's acknowledgement ends it."""
    write_files(tmp_path / "county", run(faults))
    rows = written(tmp_path / "county")
    with ReceiptGiver(broker.url) as ingest:
        ingest.silent = True
        report = await made(broker, faults)
        wait_for(lambda: len(ingest.messages) >= report.messages, what="the last message")
    assert arrived(ingest.messages) == rows
    assert (report.rows, report.unreceipted, report.repeated) == (rows.total(), 0, 0)
    assert ingest.statuses == []


async def test_without_receipts_a_broker_that_is_killed_gets_everything(
    broker: Broker, tmp_path: Path
) -> None:
    """What the broker had not acknowledged goes out again once it is back."""
    broker.kill()
    task = asyncio.create_task(made(broker))
    await asyncio.to_thread(broker.restart)
    report = await task
    assert report.unreceipted == 0
    assert report.rows > 1000


def test_the_command_counts_what_the_broker_has_and_notes_the_truth(
    broker: Broker, tmp_path: Path
) -> None:
    (tmp_path / "t.toml").write_text(
        'name = "t"\ndescription = "…"\nhours = 1\n\n[[fault]]\nkind = "limits"\nfrom_hours = 0\n'
        'devices = ["wearable"]\nmetrics = ["pulse"]\nlow = 65\nhigh = 70\n'
    )
    with ReceiptGiver(broker.url) as ingest:
        ingest.silent = True
        done = saimi(
            "simulate", "--homes", "6", "--hours", "0.1", "--speed", "max", "--json",
            "--faults", tmp_path / "t.toml", "--ledger", tmp_path / "ledger.db",
            settings={"SAIMI_MQTT_URL": broker.url},
        )  # fmt: skip
        assert done.status == 0, done.err
        report = done.report
        wait_for(lambda: len(ingest.messages) >= report["messages"], what="the last message")
    rows = arrived(ingest.messages)
    assert rows.total() == report["readings"] >= 6 * 6 * 6
    assert (report["answered_by"], report["unanswered"]) == ("broker", 0)
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert rows == Counter(
            (r.gateway, r.device, r.metric, round(r.time.timestamp() * 1000), r.value, r.qualifier)
            for chunk in ledger.readings()
            for r in chunk
        )
        assert {m for m in rows if m[2] == "pulse" and m[5]}
        assert {fault.kind for fault in ledger.truth_faults()} == {"limits"}
        assert {label.kind for label in ledger.labels()} >= {"infection"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Say how much"),
        (("--hours", "1", "--history", "2"), "leave --history"),
        (("--hours", "1", "--from", "spring"), "--from spring"),
    ],
)
def test_a_mistake_is_one_sentence(options: tuple[str, ...], words: str) -> None:
    done = saimi(
        "simulate", "--speed", "max", *options, settings={"SAIMI_MQTT_URL": "mqtt://127.0.0.1:9"}
    )
    assert done.status == 2
    assert words in done.err
    assert "Traceback" not in done.err


def test_replaying_what_is_no_simulation_is_one_sentence(tmp_path: Path) -> None:
    done = saimi("replay", tmp_path, "--format", "saimi")
    assert done.status == 2
    assert "holds no simulation" in done.err
    assert list(tmp_path.iterdir()) == []
