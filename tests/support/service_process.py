"""`saimi ingest` as an operator runs it: a process, its log, its metrics."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from saimi.embedded.ports import LOOPBACK, free_port
from tests.support.commands import saimi_environment
from tests.support.waiting import wait_for

_COMMAND = """
import sys
from saimi.cli import main
sys.exit(main())
"""


class IngestProcess:
    """A running `saimi ingest`; `settings` are environment variables, `beforehand` is Python that
    the process runs first."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        mqtt_url: str,
        *,
        beforehand: str = "",
        **settings: str,
    ) -> None:
        self._port = free_port()
        self._log = folder / f"ingest-{self._port}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", beforehand + _COMMAND, "ingest"],
                env=saimi_environment(
                    SAIMI_DATABASE_URL=database_url,
                    SAIMI_MQTT_URL=mqtt_url,
                    SAIMI_METRICS_PORT=str(self._port),
                    SAIMI_LOG_JSON="true",
                    **settings,
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> list[dict[str, Any]]:
        """What it has logged; a line that is no JSON is `{"event": line}`."""
        return [_entry(line) for line in self._log.read_text(errors="replace").splitlines()]

    def said(self, event: str) -> list[str]:
        """The reasons with which it has logged `event`."""
        return [one.get("why", "") for one in self.log if one["event"] == event]

    @property
    def unready(self) -> str | None:
        """What `/ready` says; None: it is ready."""
        try:
            self._get("ready")
        except urllib.error.HTTPError as error:
            return str(json.loads(error.read())["reason"])
        except OSError:
            return "Nobody is there to ask."
        return None

    def metric(self, name: str) -> float:
        """The only sample of `name`; 0 while it does not answer."""
        try:
            text = self._get("metrics")
        except OSError:
            return 0.0
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        )

    def wait_ready(self, within: float = 30.0) -> None:
        wait_for(lambda: self.unready is None, within=within, what="an ingest that is ready")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def terminate(self) -> None:
        """SIGTERM, as systemd sends it; returns at once."""
        self._process.send_signal(signal.SIGTERM)

    def ended(self, within: float) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait(within)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(20)

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self._port}/{path}", timeout=5) as answer:
            return str(answer.read().decode())


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {"event": line}
    return entry if isinstance(entry, dict) else {"event": line}


@contextmanager
def ingest_process(
    folder: Path, database_url: str, mqtt_url: str, *, beforehand: str = "", **settings: str
) -> Iterator[IngestProcess]:
    """Killed at the end if it still runs."""
    made = IngestProcess(folder, database_url, mqtt_url, beforehand=beforehand, **settings)
    try:
        yield made
    finally:
        if made.alive:
            made.kill()
