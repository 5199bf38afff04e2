"""Thousands of gateways, each with a password and a TLS connection of its own, at the county's
Mosquitto: `python -m tests.support.crowd 2000 --minutes 3`.

The broker is configured as `saimi gateway broker` does it; each gateway is let in with the
commands that `saimi gateway enrol` gives. Takes the place of ingest: notes what comes, gives
receipts. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.process import cpu_seconds, memory_mb
from saimi.broker_access import admission, control
from saimi.embedded.ports import LOOPBACK
from tests.support.commands import saimi_environment
from tests.support.county import County
from tests.support.receipts import ReceiptGiver

_LET_IN_AT_ONCE = 20


def let_in(county: County, gateways: int, file: Path) -> None:
    """Tell the broker of these gateways, and write what each was given."""
    given = {f"gw-{n:06d}": f"given-in-a-test-{n}" for n in range(1, gateways + 1)}
    names = list(given)
    for first in range(0, gateways, _LET_IN_AT_ONCE):
        some = names[first : first + _LET_IN_AT_ONCE]
        control(county.admin_url, [one for name in some for one in admission(name, given[name])])
    file.write_text(
        "\n".join(json.dumps({"gateway": name, "password": word}) for name, word in given.items())
    )


def established(port: int) -> int:
    """Connections to a port of this machine that are open (proc(5), net/tcp)."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[3] == "01" and int(row[2].partition(":")[2], 16) == port for row in rows)


class Playing:
    """The simulator, watched while it runs."""

    def __init__(self, county: County, here: Path, gateways: int, minutes: float) -> None:
        self.most = 0
        """Connections at once."""
        self.all_after_s: float | None = None
        self.memory_mb = self.cpu_s = 0.0
        before, began = established(county.port), time.monotonic()
        with subprocess.Popen(
            [
                sys.executable, "-P", "-m", "saimi", "simulate", "--homes", str(gateways),
                "--connections", str(gateways), "--hours", str(minutes / 60),
                "--scenario", "quiet", "--credentials", here / "given.jsonl",
                "--data-dir", here, "--json",
            ],
            env=saimi_environment(
                SAIMI_MQTT_URL=f"mqtts://{LOOPBACK}:{county.port}", SAIMI_MQTT_CA=str(county.ca)
            ),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:  # fmt: skip
            while process.poll() is None:
                self.most = max(self.most, established(county.port) - before)
                if self.all_after_s is None and self.most >= gateways:
                    self.all_after_s = round(time.monotonic() - began, 1)
                self.memory_mb = round(memory_mb(process.pid, peak=True), 1)
                self.cpu_s = round(cpu_seconds(process.pid), 1)
                time.sleep(0.5)
            assert process.stdout is not None
            self.report = json.loads(process.stdout.read().strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateways", type=int)
    parser.add_argument("--minutes", type=float, default=3.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, County(Path(folder) / "county") as county:
        os.environ["SAIMI_MQTT_CA"] = str(county.ca)
        let_in(county, options.gateways, Path(folder) / "given.jsonl")
        with ReceiptGiver(county.ingest_url) as ingest:
            played = Playing(county, Path(folder), options.gateways, options.minutes)
            found = {
                "gateways": options.gateways,
                "connections": played.most,
                "all_connected_after_s": played.all_after_s,
                "heard": len({gateway for gateway, _, _ in ingest.messages}),
                "messages": len(ingest.messages),
                "arrivals": len(ingest.arrivals),
                **{name: played.report[name] for name in ("published", "unreceipted", "dropped")},
                "simulator_memory_mb": played.memory_mb,
                "simulator_cpu_s": played.cpu_s,
                "broker_memory_mb": round(memory_mb(county.pid, peak=True), 1),
            }
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
