"""Gateways with a connection each: hundreds in one thread, and with credentials of their own."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from core.broker import BrokerAddress
from core.clock import REAL_CLOCK, ScaledClock, wall_time
from core.errors import BrokerError, UserError
from core.settings import load_settings
from core.wire import decode_status
from gateway_sim.county import County as Homes
from gateway_sim.credentials import load_credentials
from gateway_sim.fleet import Fleet
from gateway_sim.ledger import Ledger
from gateway_sim.outbox import Lane, Outbox
from gateway_sim.scenario import load_scenario
from gateway_sim.simulation import SimulationReport, simulate
from saimi.broker_access import admission, control
from saimi.certificates import issue_gateway, load_authority
from saimi.embedded.broker import Broker
from saimi.embedded.ports import LOOPBACK
from tests.support.commands import Outcome, saimi
from tests.support.county import County
from tests.support.receipts import ReceiptGiver
from tests.support.waiting import eventually

NAMES = [f"gw-{n:06d}" for n in range(1, 301)]
PASSWORD = "given-in-a-test"


@asynccontextmanager
async def connected(
    url: str, folder: Path, connections: int
) -> AsyncIterator[tuple[Fleet, Outbox]]:
    with Outbox(folder / "outbox.db") as outbox:
        outbox.start_boots(NAMES)
        fleet = Fleet(
            NAMES, outbox, mqtt_url=url, clock=REAL_CLOCK, ledger=None, connections=connections
        )
        assert await fleet.connect(asyncio.Event())
        try:
            yield fleet, outbox
        finally:
            await fleet.close()


def send(fleet: Fleet, outbox: Outbox) -> None:
    for name in NAMES:
        boot, seq = outbox.boot(name), outbox.next_seq(name)
        outbox.add(name, b'[{"boot":"%s","seq":%d}]' % (boot.encode(), seq), Lane.LIVE)
    outbox.commit()
    fleet.touch(NAMES)


async def receipted(fleet: Fleet, outbox: Outbox) -> None:
    async def all_are() -> bool:
        await fleet.changed(0.05)
        outbox.commit()
        return len(outbox) == 0

    await eventually(all_are, within=30.0, what="a receipt of each message")


def connections(broker: Broker) -> int:
    """Connections to the broker that are open, in this process and everywhere."""
    rows = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    far_and_state = ((row.split()[2], row.split()[3]) for row in rows)
    return sum(
        state == "01" and int(far.partition(":")[2], 16) == broker.port
        for far, state in far_and_state
    )


async def test_hundreds_of_connections_need_no_thread_each_and_survive_the_broker(
    broker_factory: Callable[[str], Broker], tmp_path: Path
) -> None:
    broker = broker_factory("mosquitto")
    with ReceiptGiver(broker.url) as ingest:
        before = connections(broker), threading.active_count()
        async with connected(broker.url, tmp_path, len(NAMES)) as (fleet, outbox):
            send(fleet, outbox)
            await receipted(fleet, outbox)
            assert {gateway for gateway, _, _ in ingest.messages} == set(NAMES)
            assert connections(broker) - before[0] == len(NAMES)
            assert threading.active_count() - before[1] < 30
            broker.kill()
            ingest.ready.clear()
            await asyncio.to_thread(broker.restart)
            assert await asyncio.to_thread(ingest.ready.wait, 15)
            send(fleet, outbox)
            await receipted(fleet, outbox)
            assert {seq for _, _, seq in ingest.messages} == {1, 2}
            assert len(ingest.messages) == 2 * len(NAMES)
            fleet.hold(NAMES, forget=True)

            async def wills() -> bool:
                last = {gateway: decode_status(payload) for gateway, payload in ingest.statuses}
                return all(not last[name].online for name in NAMES)

            await eventually(wills, what="a last will of each")


async def test_those_without_a_connection_of_their_own_share_one(
    broker_factory: Callable[[str], Broker], tmp_path: Path
) -> None:
    broker = broker_factory("mosquitto")
    with ReceiptGiver(broker.url) as ingest:
        before = connections(broker)
        async with connected(broker.url, tmp_path, 10) as (fleet, outbox):
            send(fleet, outbox)
            await receipted(fleet, outbox)
            assert connections(broker) - before == 10 + 1
            assert {gateway for gateway, _, _ in ingest.messages} == set(NAMES)


def test_more_connections_than_files_is_said(broker: Broker, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (150, 160))\n"
        "from saimi.cli import main\n"
        "sys.argv = ['saimi', 'simulate', '--homes', '90', '--hours', '0.01',"
        " '--data-dir', sys.argv[1]]\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=60,
        env={**os.environ, "SAIMI_MQTT_URL": broker.url}, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "90 connections need 190 open files, and a process may have 160 here" in done.stderr
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)


@pytest.fixture
def county(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with County(tmp_path / "county") as running:
        monkeypatch.setenv("SAIMI_MQTT_CA", str(running.ca))
        load_settings.cache_clear()
        yield running
    load_settings.cache_clear()


async def played(url: str, folder: Path, credentials: Path, homes: int) -> SimulationReport:
    now, made = wall_time(), Homes(7, homes)
    known = load_credentials(
        credentials, (home.gateway for home in made.homes), BrokerAddress.parse(url)
    )
    with Ledger(folder / "ledger.db") as ledger:
        return await simulate(
            county=made,
            clock=ScaledClock(now, now, 300.0),
            mqtt_url=url,
            directory=folder,
            scenario=load_scenario("quiet"),
            stop=asyncio.Event(),
            ledger=ledger,
            duration=timedelta(minutes=5),
            patience=timedelta(seconds=20),
            credentials=known,
        )


async def test_each_gateway_comes_in_with_its_own_password_over_tls(
    county: County, tmp_path: Path
) -> None:
    lines = []
    for n in (1, 2, 3):
        name, password = f"gw-{n:06d}", f"{PASSWORD}-{n}"
        await asyncio.to_thread(control, county.admin_url, admission(name, password))
        lines.append(json.dumps({"gateway": name, "home": "x", "password": password}))
    file = tmp_path / "given.jsonl"
    file.write_text("\n".join(lines))
    url = f"mqtts://{LOOPBACK}:{county.port}"
    with ReceiptGiver(county.ingest_url) as ingest:
        report = await played(url, tmp_path / "run", file, 3)
        assert report.unreceipted == 0
        assert {gateway for gateway, _, _ in ingest.messages} == {f"gw-{n:06d}" for n in (1, 2, 3)}
    file.write_text("\n".join(lines).replace(f"{PASSWORD}-1", "wrong"))
    with pytest.raises(BrokerError, match="check user and password in the credentials"):
        await played(url, tmp_path / "again", file, 3)


async def test_each_gateway_comes_in_with_its_own_certificate(
    county: County, tmp_path: Path
) -> None:
    authority = load_authority(county.folder)
    for n in (1, 2):
        name = f"gw-{n:06d}"
        await asyncio.to_thread(control, county.admin_url, admission(name, None))
        issue_gateway(authority, name, tmp_path / "given", wall_time())
    url = f"mqtts://{LOOPBACK}:{county.certificate_port}"
    with ReceiptGiver(county.ingest_url) as ingest:
        report = await played(url, tmp_path / "run", tmp_path / "given", 2)
        assert report.unreceipted == 0
        assert {gateway for gateway, _, _ in ingest.messages} == {"gw-000001", "gw-000002"}


async def test_the_past_too_comes_from_each_gateway_itself(county: County, tmp_path: Path) -> None:
    """The access rules let nobody write in another's name."""
    lines = []
    for n in (1, 2, 3):
        name, password = f"gw-{n:06d}", f"{PASSWORD}-{n}"
        await asyncio.to_thread(control, county.admin_url, admission(name, password))
        lines.append(json.dumps({"gateway": name, "home": "x", "password": password}))
    file = tmp_path / "given.jsonl"
    file.write_text("\n".join(lines))

    def sent(homes: int) -> Outcome:
        return saimi(
            "simulate", "--homes", str(homes), "--hours", "0.1", "--speed", "max", "--json",
            "--credentials", file,
            settings={
                "SAIMI_MQTT_URL": f"mqtts://{LOOPBACK}:{county.port}",
                "SAIMI_MQTT_CA": str(county.ca),
            },
        )  # fmt: skip

    with ReceiptGiver(county.ingest_url) as ingest:
        done = await asyncio.to_thread(sent, 3)
        assert done.status == 0, done.err
        assert done.report["unanswered"] == 0

        async def all_are_there() -> bool:
            return len(ingest.messages) >= int(done.report["messages"])

        await eventually(all_are_there, what="the last message")
        assert {gateway for gateway, _, _ in ingest.messages} == {f"gw-{n:06d}" for n in (1, 2, 3)}
    refused = await asyncio.to_thread(sent, 4)
    assert refused.status == 2
    assert "has no credentials for gw-000004" in refused.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"gateway":"gw-000001","password":"x"}', "has no credentials for gw-000002 and 1 others"),
        ('\n{"gateway":"gw-000001"}', "line 2 has neither a password nor a certificate"),
        ('{"gateway":1}', "line 1 is not what `saimi gateway enrol --json` prints"),
        ('{"gateway":"a","certificate":"a.crt","key":"a.key"}', "a certificate needs TLS"),
        (None, "cannot be read"),
    ],
)
def test_credentials_that_cannot_be_used(tmp_path: Path, text: str | None, sentence: str) -> None:
    file = tmp_path / "given.jsonl"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=sentence):
        load_credentials(
            file, ["gw-000001", "gw-000002", "gw-000003"], BrokerAddress.parse("mqtt://127.0.0.1")
        )


def test_the_command_says_what_is_wrong_with_credentials(tmp_path: Path) -> None:
    outcome = saimi(
        "simulate", "--credentials", tmp_path / "none", "--hours", "0.1",
        settings={"SAIMI_MQTT_URL": "mqtt://127.0.0.1:9"},
    )  # fmt: skip
    assert outcome.status == 2
    assert "cannot be read" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
