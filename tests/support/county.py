"""The county's broker as `deploy/` has it, with a test's own paths, ports and authority."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from types import TracebackType
from typing import Self

from core.clock import wall_time
from saimi.broker_access import ADMIN, DELIVER, INGEST, new_access_file
from saimi.certificates import create_authority, issue_server
from saimi.county_broker import PLUGIN, Places, county_configuration
from saimi.embedded.broker import find_mosquitto
from saimi.embedded.ports import LOOPBACK, accepts_connections, free_port
from tests.support.parts import program
from tests.support.waiting import DEADLINE_S, wait_for

_GIVEN = "given-in-a-test"


class Mosquitto:
    """A Mosquitto with a configuration of the test's; can be killed and started again."""

    def __init__(self, folder: Path, port: int, configuration: str) -> None:
        program("mosquitto", cure="apt-get install mosquitto")
        self.folder, self.port = folder, port
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mosquitto.conf").write_text(configuration)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self.folder / "broker.log").read_text(errors="replace")

    def start(self) -> Self:
        found = find_mosquitto()
        assert found is not None
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [found, "-c", "mosquitto.conf"], cwd=self.folder, stdout=log, stderr=log
            )
        wait_for(lambda: accepts_connections(self.port), what="Mosquitto")
        return self

    def stop(self, signal: Signals = SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(signal)
            self._process.wait(DEADLINE_S)
            self._process = None

    def kill(self) -> None:
        self.stop(SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class County(Mosquitto):
    """The county's broker, and the addresses of those who may use it."""

    def __init__(self, folder: Path) -> None:
        if not Path(PLUGIN).exists():
            raise AssertionError(f"{PLUGIN} is missing: apt-get install mosquitto")
        folder.mkdir(parents=True)
        authority = create_authority(folder, wall_time())
        issue_server(authority, LOOPBACK, folder, wall_time())
        (folder / "access.json").write_text(new_access_file(_GIVEN, _GIVEN, _GIVEN))
        port, self.certificate_port = free_port(), free_port()
        places = Places(
            str(folder), str(folder / "access.json"), str(folder), PLUGIN, LOOPBACK, port,
            self.certificate_port,
        )  # fmt: skip
        super().__init__(folder, port, as_this_user(county_configuration(places)))
        self.ca = folder / "ca.crt"
        self.admin_url = self.url(ADMIN, _GIVEN)
        self.ingest_url = self.url(INGEST, _GIVEN)
        self.deliver_url = self.url(DELIVER, _GIVEN)

    def url(self, user: str, password: str) -> str:
        return f"mqtts://{user}:{password}@{LOOPBACK}:{self.port}"


def as_this_user(configuration: str) -> str:
    """As root, Mosquitto would change to an account that cannot read a test's folder."""
    return configuration + ("user root\n" if os.geteuid() == 0 else "")
