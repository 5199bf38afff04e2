"""Gateways at real brokers: whatever is killed, what the ledger says was sent arrives."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from core.clock import REAL_CLOCK, ScaledClock, wall_time
from core.errors import BrokerError, SettingsError
from core.wire import Status, decode_status, status_topic
from gateway_sim.county import County
from gateway_sim.ledger import Ledger
from gateway_sim.replay import ReplayReport, replay
from gateway_sim.scenario import Scenario, load_scenario
from gateway_sim.simulation import SimulationReport, simulate
from gateway_sim.tihm import Recording, survey
from saimi.embedded.broker import Broker
from tests.support.mqtt import session
from tests.support.receipts import ReceiptGiver
from tests.support.waiting import eventually

TIHM = Path(__file__).parents[3] / "shared" / "data" / "tihm"
QUIET = load_scenario("quiet")


@pytest.fixture
def broker(broker_factory: Callable[[str], Broker]) -> Broker:
    """A broker of the test's own: gateways have the same names in every test."""
    return broker_factory("mosquitto")


class Run:
    """A simulation in the background."""

    def __init__(
        self, url: str, folder: Path, scenario: Scenario, history: timedelta, factor: float = 300.0
    ) -> None:
        self.stop = asyncio.Event()
        self.ledger = Ledger(folder / "ledger.db")
        now = wall_time()
        self._task = asyncio.create_task(
            simulate(
                county=County(7, 4),
                clock=ScaledClock(now, now, factor),
                mqtt_url=url,
                directory=folder,
                scenario=scenario,
                stop=self.stop,
                ledger=self.ledger,
                history=history,
                patience=timedelta(seconds=20),
            )
        )

    async def end(self) -> SimulationReport:
        self.stop.set()
        return await self._task

    def sent(self) -> set[tuple[str, str, int]]:
        return {(m.gateway, m.boot, m.seq) for m in self.ledger.messages()}

    async def until_sent(self, count: int) -> None:
        async def enough() -> bool:
            if self._task.done():
                self._task.result()
            return self.ledger.message_count() >= count

        await eventually(enough, what=f"{count} messages sent")


@asynccontextmanager
async def running(
    url: str,
    folder: Path,
    scenario: Scenario = QUIET,
    history: timedelta = timedelta(0),
    factor: float = 300.0,
) -> AsyncIterator[Run]:
    run = Run(url, folder, scenario, history, factor)
    try:
        yield run
    finally:
        await run.end()
        run.ledger.close()


def values_of(messages: dict[tuple[str, str, int], bytes]) -> set[tuple[str, str, str, int, float]]:
    """Readings in SenML packs: gateway, device, metric, microseconds, value."""
    found = set()
    for (gateway, _, _), payload in messages.items():
        name, base = "", 0.0
        for record in msgspec.json.decode(payload):
            name, base = record.get("bn", name), record.get("bt", base)
            value = float(record.get("v", record.get("vb", "nan")))
            time = round((base + record.get("t", 0.0)) * 1e6)
            found.add((gateway, name.rstrip("/"), record["n"], time, value))
    return found


def values_in(ledger: Ledger) -> set[tuple[str, str, str, int, float]]:
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return {
        (r.gateway, r.device, r.metric, (r.time - epoch) // timedelta(microseconds=1), r.value)
        for chunk in ledger.readings()
        for r in chunk
    }


@pytest.mark.parametrize("kind", ["mosquitto", "iotcore"])
async def test_what_arrives_is_what_the_ledger_says(
    broker_factory: Callable[[str], Broker], kind: str, tmp_path: Path
) -> None:
    url = broker_factory(kind).url
    with ReceiptGiver(url) as ingest:
        async with running(url, tmp_path, history=timedelta(hours=3)) as run:
            await run.until_sent(60)
            report = await run.end()
            assert report.unreceipted == 0
            assert report.dropped == 0
            assert report.published == run.ledger.message_count() == len(ingest.messages)
            assert run.sent() == set(ingest.messages)
            assert values_of(ingest.messages) == values_in(run.ledger)
            assert report.readings == len(values_in(run.ledger))
            assert len(ingest.arrivals) == report.published + report.repeated
            for gateway in {gateway for gateway, _, _ in run.sent()}:
                numbers = sorted(seq for name, _, seq in run.sent() if name == gateway)
                assert numbers == list(range(1, len(numbers) + 1)), "seq has no gaps"
    statuses = [(gateway, decode_status(payload)) for gateway, payload in ingest.statuses]
    assert {gateway for gateway, _ in statuses} == {f"gw-{n:06d}" for n in range(1, 5)}
    own = [status.online for gateway, status in statuses if gateway == "gw-000001"]
    assert own[0]
    assert not own[-1]


async def test_kill_9_of_the_broker_loses_nothing(
    broker_factory: Callable[[str], Broker], tmp_path: Path
) -> None:
    broker = broker_factory("mosquitto")
    with ReceiptGiver(broker.url) as ingest:
        async with running(broker.url, tmp_path) as run:
            for count in (20, 60):
                await run.until_sent(count)
                ingest.deaf = True  # what the broker has acknowledged is now lost with it
                await run.until_sent(count + 15)
                broker.kill()
                ingest.deaf = False
                ingest.ready.clear()
                await asyncio.to_thread(broker.restart)
                assert await asyncio.to_thread(ingest.ready.wait, 15)
            await run.until_sent(100)
            report = await run.end()
            assert report.unreceipted == 0
            assert report.repeated > 0
            assert run.sent() == set(ingest.messages)


async def test_kill_9_of_the_gateways_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    """The simulator dies with messages unreceipted; started again it sends them first."""
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from tests.integration.test_gateway_line import Run, QUIET, timedelta\n"
        "async def main():\n"
        "    run = Run(sys.argv[1], Path(sys.argv[2]), QUIET, timedelta(hours=1))\n"
        "    await run.until_sent(40); print('sent', flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    with ReceiptGiver(broker.url) as ingest:
        ingest.silent = True
        killed = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, broker.url, tmp_path,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        try:
            assert killed.stdout is not None
            while (line := await killed.stdout.readline()) != b"sent\n":
                assert line, "it ended before it had sent anything"
        finally:
            killed.send_signal(signal.SIGKILL)
            await killed.communicate()

        async def will() -> bool:
            last = {gateway: decode_status(payload) for gateway, payload in ingest.statuses}
            return last["gw-000001"] == Status(online=False)

        await eventually(will, what="the last will")
        before = len(ingest.arrivals)
        ingest.silent = False
        async with running(broker.url, tmp_path) as run:
            await run.until_sent(60)
            report = await run.end()
            assert report.unreceipted == 0
            assert run.sent() <= set(ingest.messages)
            boots = {boot for _, boot, _ in ingest.arrivals[:before]}
            mine = [a for a in ingest.arrivals[before:] if a[0] == "gw-000002"]
            old = [boot in boots for _, boot, _ in mine]
            assert old == sorted(old, reverse=True), "what the last boot left goes first"
            assert values_of(ingest.messages) >= values_in(run.ledger)
            keys = [key[:4] for key in values_in(run.ledger)]
            assert len(keys) == len(set(keys)), "the new boot said something a second time"


async def test_an_ingest_that_comes_late_gets_everything(broker: Broker, tmp_path: Path) -> None:
    async with running(broker.url, tmp_path, history=timedelta(hours=2)) as run:
        await run.until_sent(50)  # the broker takes them, nobody hears them
        with ReceiptGiver(broker.url) as ingest:
            report = await run.end()
            assert report.unreceipted == 0
            assert run.sent() == {key for key in ingest.messages if key in run.sent()}


async def test_a_call_for_help_overtakes_a_full_window(broker: Broker, tmp_path: Path) -> None:
    demo = load_scenario("demo")
    demo.event[0].at_minutes = 400.0  # eight seconds on this clock: the window is full by then
    with ReceiptGiver(broker.url) as ingest:
        ingest.silent = True
        async with running(broker.url, tmp_path, demo, timedelta(days=2), 3000.0) as run:
            # Messages come in a thread of their own, so what is looked through is a copy.
            async def called() -> bool:
                return any(b'"help"' in payload for payload in ingest.messages.copy().values())

            await eventually(called, what="the call for help")
            (caller,) = [
                key for key, payload in ingest.messages.copy().items() if b'"help"' in payload
            ]

            async def arrived() -> set[tuple[str, str, int]]:
                sent = run.sent()
                ours = {
                    key for key in ingest.messages.copy() if key[0] == caller[0] and key in sent
                }
                return ours if len(ours) > 64 else set()

            # Help overtakes what was sent before it and has not arrived yet.
            ours = await eventually(arrived, what="a full window, and help beyond it")
            assert len(ours) == 64 + 1
            ingest.silent = False
            assert (await run.end()).unreceipted == 0


async def test_a_broker_that_is_not_there_yet_is_waited_for(
    broker_factory: Callable[[str], Broker], tmp_path: Path
) -> None:
    broker = broker_factory("mosquitto")
    url = broker.url
    broker.kill()
    async with running(url, tmp_path) as run:
        await asyncio.to_thread(broker.restart)
        with ReceiptGiver(url) as ingest:
            await run.until_sent(10)
            assert (await run.end()).unreceipted == 0
            assert run.sent() == set(ingest.messages)


async def test_a_stop_without_a_broker_is_quick_and_keeps_everything(tmp_path: Path) -> None:
    async with running("mqtt://127.0.0.1:9", tmp_path) as run:
        other = sqlite3.connect(tmp_path / "ledger.db")

        async def stored() -> bool:
            return bool(other.execute("SELECT count(*) FROM message").fetchone()[0])

        await eventually(stored, what="something in the outbox")
        other.close()
        report = await asyncio.wait_for(run.end(), 5.0)
        assert report.published == 0
        assert report.unreceipted > 0


async def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SAIMI_MQTT_URL"):
        await replay(
            Recording(_small(tmp_path)),
            mqtt_url="http://x",
            clock=REAL_CLOCK,
            stop=asyncio.Event(),
        )


async def test_a_broker_that_refuses_us(tmp_path: Path) -> None:
    """Refused: CONNACK with reason 5 (not authorised), in the older protocol as in the newer."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect = await reader.read(200)
        newer = connect[8] == 5
        writer.write(b"\x20\x03\x00\x87\x00" if newer else b"\x20\x02\x00\x05")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(BrokerError, match="refuses the gateways"):
            await _replay(f"mqtt://127.0.0.1:{port}", _small(tmp_path))


def _small(folder: Path) -> Path:
    """Two homes, 5,000 rows, twice as many as fit into their windows."""
    rows = [f"a{n % 2},Kitchen,2019-04-{1 + n // 1000:02d} 10:{n % 1000 // 60:02d}:{n % 60:02d}"
            for n in range(5000)]  # fmt: skip
    (folder / "Activity.csv").write_text("\n".join(["patient_id,location_name,date", *rows]) + "\n")
    (folder / "Physiology.csv").write_text("patient_id,date,device_type,value,unit\n")
    return folder


async def _replay(url: str, folder: Path, ledger: Ledger | None = None) -> ReplayReport:
    return await replay(
        Recording(folder), mqtt_url=url, clock=REAL_CLOCK, stop=asyncio.Event(), ledger=ledger
    )


async def test_a_replay_survives_kill_9_of_the_broker(
    broker_factory: Callable[[str], Broker], tmp_path: Path
) -> None:
    broker = broker_factory("mosquitto")
    with ReceiptGiver(broker.url) as ingest, Ledger(tmp_path / "ledger.db") as ledger:
        ingest.deaf = True
        task = asyncio.create_task(_replay(broker.url, _small(tmp_path), ledger))

        async def full() -> bool:
            return ledger.message_count() >= 32

        await eventually(full, what="both windows full")
        broker.kill()
        ingest.deaf = False
        ingest.ready.clear()
        await asyncio.to_thread(broker.restart)
        report = await task
        assert (report.rows, report.unreceipted, report.homes) == (5000, 0, 2)
        assert {(m.gateway, m.boot, m.seq) for m in ledger.messages()} == set(ingest.messages)
        assert sum(p.count(b'"n":') for p in ingest.messages.values()) == 5000


async def test_a_replay_as_live_ends_now_and_is_paced_by_the_clock(
    broker: Broker, tmp_path: Path
) -> None:
    recorded = Recording(_small(tmp_path))
    with ReceiptGiver(broker.url) as ingest:
        now = wall_time()
        clock = ScaledClock(now, now, 345_600.0)  # four days a second
        report = await replay(
            recorded,
            mqtt_url=broker.url,
            clock=clock,
            stop=asyncio.Event(),
            speed=345_600.0,
            as_live=True,
        )
        times = [time / 1e6 for _, _, _, time, _ in values_of(ingest.messages) if time > 1.7e15]
        assert report.rows == 5000
        assert report.seconds >= 1.0
        assert max(times) - min(times) == recorded.last - recorded.first
        assert now.timestamp() - 1.0 <= min(times)
        assert max(times) <= clock.now().timestamp()


async def test_three_days_of_tihm_goes_through_the_broker(broker: Broker) -> None:
    if not TIHM.exists():
        pytest.skip("TIHM's recorded homes are not in ../shared/data/tihm")
    start = datetime.fromisoformat("2019-06-03T00:00:00+01:00")
    end = start + timedelta(days=3)
    with ReceiptGiver(broker.url) as ingest:
        report = await replay(
            Recording(TIHM, start, end),
            mqtt_url=broker.url,
            clock=REAL_CLOCK,
            stop=asyncio.Event(),
        )
    records = sum(payload.count(b'"n":') for payload in ingest.messages.values())
    assert report.rows == records == survey(TIHM, start, end).rows > 20_000
    assert (report.messages, report.unreceipted) == (len(ingest.messages), 0)


async def test_the_status_stays_at_the_broker(broker: Broker, tmp_path: Path) -> None:
    with ReceiptGiver(broker.url):
        async with running(broker.url, tmp_path) as run:
            await run.until_sent(5)
            with session(broker.url, "who-looks-in", status_topic("gw-000001")) as inbox:
                (_, payload), *_ = await asyncio.to_thread(inbox.wait, 1)
            status = decode_status(payload)
            assert status.online
            assert status.boot in {boot for _, boot, _ in run.sent()}
