"""The embedded MQTT broker on 127.0.0.1: Mosquitto where the machine has it, else iotcore.

    <data-dir>/broker/          locked while a Saimi runs on it
        mosquitto.conf, mosquitto.db, broker.log

Both are direct child processes with one interface. They promise different things: Mosquitto keeps
queued messages over its own graceful restart, iotcore (rumqttd) forgets them. Gateways that wait
for Saimi's receipts lose nothing with either.
"""

from __future__ import annotations

import abc
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from signal import SIGTERM
from typing import ClassVar

from core.errors import EmbeddedError
from saimi.embedded.account import Account, account_for, own_directory
from saimi.embedded.orphans import stop_orphans
from saimi.embedded.ports import LOOPBACK, accepts_connections, free_port, require_free
from saimi.embedded.server import EmbeddedServer

# A payload of several megabytes must reach ingest, which keeps it with a reason; beyond this the
# broker disconnects the sender.
MAX_PACKET_BYTES = 16 * 1024 * 1024
# Per client, for an ingest that is away: about 5 million readings in packs of ten.
MAX_QUEUED_BYTES = 1024 * 1024 * 1024
# Bounds what an MQTT 3.1.1 client has unacknowledged; MQTT 5 clients say it themselves.
MAX_IN_FLIGHT = 10_000
# Seconds between saves. Each save writes everything that is queued, so not at every change.
_AUTOSAVE_S = 30
_START_TIMEOUT_S = 60.0


class Broker(EmbeddedServer):
    """A broker whose files are in `directory`; `port` None takes a free one at every start."""

    keeps_queue_over_restart: ClassVar[bool]
    _word: ClassVar[bytes]
    _stop_signals = ((SIGTERM, 60.0),)

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        super().__init__(directory, port=port, log_name="broker.log")

    @property
    @abc.abstractmethod
    def version(self) -> str:
        """The broker's own version number."""

    @property
    def url(self) -> str:
        """`mqtt://127.0.0.1:port` of the running broker."""
        return f"mqtt://{LOOPBACK}:{self.port}"

    def _launch(self) -> int:
        stop_orphans(self._directory, self._word, SIGTERM)
        port = self._port if self._port is not None else free_port()
        require_free(port, self.name)
        account = self._prepare(port)
        self._process.spawn(
            self._command(port),
            directory=self._directory,
            account=account,
            environment={"PATH": os.defpath, "LC_ALL": "C"},
        )
        self._process.wait_until(lambda: self._ready(port), _START_TIMEOUT_S)
        return port

    @abc.abstractmethod
    def _prepare(self, port: int) -> Account | None:
        """Write what the broker reads; return the account to run it under."""

    @abc.abstractmethod
    def _command(self, port: int) -> Sequence[str]: ...

    def _ready(self, port: int) -> bool:
        return accepts_connections(port)


class MosquittoBroker(Broker):
    """Eclipse Mosquitto 2.0, of the machine."""

    name = "mosquitto"
    keeps_queue_over_restart = True
    _word = b"mosquitto"

    @property
    def version(self) -> str:
        # `-h` answers "mosquitto version 2.0.11" and ends with status 3.
        told = subprocess.run(
            [self._program(), "-h"], capture_output=True, text=True, timeout=10, check=False
        )
        words = told.stdout.split()
        return words[2] if words[1:2] == ["version"] else "unknown"

    def _program(self) -> str:
        program = find_mosquitto()
        if program is None:
            raise EmbeddedError(
                "There is no Mosquitto on this machine; install the package mosquitto, or set "
                "SAIMI_MQTT_URL to a broker you run."
            )
        return program

    def _prepare(self, port: int) -> Account | None:
        saved = self._directory / "mosquitto.db"
        account = account_for(saved, ("mosquitto", "nobody"))
        configuration = self._directory / "mosquitto.conf"
        configuration.write_text(mosquitto_configuration(port, self._location()))
        configuration.chmod(0o644)
        if account is not None:
            os.chown(self._directory, account.uid, account.gid)
        return account

    def _location(self) -> str:
        return own_directory(self._directory)

    def _command(self, port: int) -> Sequence[str]:
        return [self._program(), "-c", "mosquitto.conf"]

    def _ready(self, port: int) -> bool:
        # Somebody else's server on the port would take connections too; the log says it is ours.
        return " running" in self._process.last_words(2000) and super()._ready(port)


class IotcoreBroker(Broker):
    """rumqttd from the wheel `iotcore`: for a machine that has nothing. MQTT 3.1.1 only."""

    name = "iotcore"
    keeps_queue_over_restart = False
    _word = b"iotcore"

    @property
    def version(self) -> str:
        return importlib.metadata.version("iotcore")

    def _prepare(self, port: int) -> Account | None:
        if importlib.util.find_spec("iotcore") is None:
            raise EmbeddedError(
                "There is no MQTT broker to start: neither mosquitto on this machine nor the "
                "package iotcore; run `pip install 'saimi[embedded]'`, or set SAIMI_MQTT_URL to a "
                "broker you run."
            )
        return None  # it is a part of our own installation, which another account cannot reach

    def _command(self, port: int) -> Sequence[str]:
        options = {
            "listen": LOOPBACK,
            "port": port,
            "max_payload_size": MAX_PACKET_BYTES,
            "max_inflight_count": 1000,
        }
        # -P: the working directory is not searched for modules.
        return [sys.executable, "-P", "-c", _IOTCORE, json.dumps(options)]


# rumqttd's native server blocks its process for good, so it gets one of its own. It writes a line
# for every packet unless told to be quiet.
_IOTCORE = """
import json, logging, signal, sys
from iotcore import IotCoreBroker
signal.signal(signal.SIGTERM, signal.SIG_DFL)
logging.basicConfig(level=logging.CRITICAL)
IotCoreBroker(**json.loads(sys.argv[1])).run_forever()
"""


def find_mosquitto() -> str | None:
    """Return the path of Mosquitto, also from the system folders an ordinary PATH leaves out."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    return shutil.which("mosquitto", path=path)


def embedded_broker(directory: Path, *, port: int | None = None) -> Broker:
    """Return the better broker this machine has, not started yet."""
    if find_mosquitto() is not None:
        return MosquittoBroker(directory, port=port)
    return IotcoreBroker(directory, port=port)


def mosquitto_configuration(
    port: int, location: str, access: Sequence[str] = ("allow_anonymous true",)
) -> str:
    """Return mosquitto.conf(5) for a broker that drops nothing it can hold.

    `access` are the lines that say who may connect and what they may write.
    """
    lines = (
        f"listener {port} {LOOPBACK}",
        *access,
        *keeping(location),
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",
        "connection_messages false",
    )
    return "\n".join(lines) + "\n"


def keeping(location: str) -> tuple[str, ...]:
    """The lines of mosquitto.conf(5) that keep messages in the folder `location`, and how many."""
    return (
        "persistence true",
        f"persistence_location {location.rstrip('/')}/",
        f"autosave_interval {_AUTOSAVE_S}",
        # By default 1,000 messages are kept for a client that is away and the rest is dropped.
        "max_queued_messages 0",
        f"max_queued_bytes {MAX_QUEUED_BYTES}",
        # Sources that publish at QoS 0 (zigbee2mqtt does) are kept for an absent ingest as well.
        "queue_qos0_messages true",
        # They are acknowledged by ingest as well, so that it may be killed at any time.
        "upgrade_outgoing_qos true",
        f"max_inflight_messages {MAX_IN_FLIGHT}",
        f"max_packet_size {MAX_PACKET_BYTES}",
        "set_tcp_nodelay true",
    )
