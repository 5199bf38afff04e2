"""Both embedded brokers: what they keep, what they let through, whom they let in."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import EmbeddedError
from saimi.embedded.broker import Broker, MosquittoBroker
from tests.support.left_behind import left_behind, runs
from tests.support.mqtt import publish, session
from tests.support.waiting import DEADLINE_S

BOTH = pytest.mark.parametrize("kind", ["mosquitto", "iotcore"])
Factory = Callable[..., Broker]
# More than the thousand that Mosquitto keeps for an absent client unless told otherwise.
MANY = 5_000


def numbered(count: int) -> list[tuple[str, bytes]]:
    return [(f"home/{n % 7}", str(n).encode()) for n in range(count)]


@BOTH
def test_an_absent_subscriber_gets_everything_in_order(kind: str, broker_factory: Factory) -> None:
    broker = broker_factory(kind)
    with session(broker.url, "ingest", "home/#"):
        pass
    assert publish(broker.url, numbered(MANY)) == MANY
    with session(broker.url, "ingest", "home/#") as inbox:
        received = inbox.wait(MANY)
    # Order is promised per topic.
    assert sorted(received, key=lambda message: message[0]) == sorted(
        numbered(MANY), key=lambda message: message[0]
    )


@BOTH
def test_five_megabytes_pass(kind: str, broker_factory: Factory) -> None:
    broker = broker_factory(kind)
    payload = b"x" * 5_000_000
    with session(broker.url, "ingest", "home/#") as inbox:
        publish(broker.url, [("home/1", payload)])
        assert inbox.wait(1) == [("home/1", payload)]


@BOTH
def test_it_listens_on_loopback_only(kind: str, broker_factory: Factory) -> None:
    broker = broker_factory(kind)
    wanted = f":{broker.port:04X}"
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(wanted)
    ]
    assert listening == [f"0100007F{wanted}"]


@BOTH
async def test_kill_9_is_noticed_and_restart_is_at_the_same_address(
    kind: str, broker_factory: Factory
) -> None:
    broker = broker_factory(kind)
    url, pid = broker.url, broker.pid
    ended = asyncio.create_task(broker.wait_exit())
    await asyncio.sleep(0)
    broker.kill()
    assert await asyncio.wait_for(ended, DEADLINE_S) == -9
    broker.restart()
    assert (broker.url, broker.running) == (url, True)
    assert broker.pid != pid
    await asyncio.to_thread(publish, url, numbered(10))


def test_a_graceful_restart_of_mosquitto_loses_nothing(broker_factory: Factory) -> None:
    broker = broker_factory("mosquitto")
    with session(broker.url, "ingest", "home/#"):
        pass
    publish(broker.url, numbered(MANY))
    broker.restart()
    with session(broker.url, "ingest", "home/#") as inbox:
        assert len(inbox.wait(MANY)) == MANY


def test_mosquitto_keeps_qos_0_for_an_absent_subscriber(broker_factory: Factory) -> None:
    broker = broker_factory("mosquitto")
    with session(broker.url, "ingest", "home/#"):
        pass
    # The QoS 1 message behind them on the same connection: once acknowledged, all have arrived.
    publish(broker.url, [*numbered(100)], qos=0)
    publish(broker.url, [("home/last", b"")])
    with session(broker.url, "ingest", "home/#") as inbox:
        assert len(inbox.wait(101)) == 101


@BOTH
def test_a_broker_left_behind_by_a_killed_saimi_is_stopped(
    kind: str, broker_factory: Factory, tmp_path: Path
) -> None:
    name = {"mosquitto": "MosquittoBroker", "iotcore": "IotcoreBroker"}[kind]
    statement = (
        "from pathlib import Path\n"
        f"from saimi.embedded.broker import {name}\n"
        f"print({name}(Path({str(tmp_path / f'broker-{kind}')!r})).start().pid)"
    )
    with left_behind(statement) as pid:
        assert runs(pid)
        broker_factory(kind)
        assert not runs(pid)


def test_what_is_queued_on_disk_is_closed_to_others(
    broker_factory: Factory, tmp_path: Path
) -> None:
    broker_factory("mosquitto")
    assert stat.S_IMODE((tmp_path / "broker-mosquitto").stat().st_mode) == 0o700


def test_a_directory_in_use_is_refused(broker_factory: Factory, tmp_path: Path) -> None:
    broker_factory("mosquitto")
    with pytest.raises(EmbeddedError, match="already running on the data directory"):
        MosquittoBroker(tmp_path / "broker-mosquitto").start()


@BOTH
def test_a_taken_port_is_one_sentence(kind: str, broker_factory: Factory) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"cannot listen on 127.0.0.1:{port}"):
            broker_factory(kind, port=port)


@pytest.mark.skipif(os.geteuid() != 0, reason="is about running as root")
def test_root_runs_mosquitto_as_somebody_else(broker_factory: Factory) -> None:
    assert Path(f"/proc/{broker_factory('mosquitto').pid}").stat().st_uid != 0


def test_a_supervisors_late_restart_does_not_undo_a_stop(broker_factory: Factory) -> None:
    broker = broker_factory("mosquitto")
    broker.stop()
    with pytest.raises(EmbeddedError, match="was stopped"):
        broker.restart()
    assert not broker.running
