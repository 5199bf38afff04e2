"""`saimi bench simulator`, put together."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bench.simulator import Report, generating, publishing
from core.errors import SaimiError
from core.settings import Settings
from gateway_sim.files_write import planned
from gateway_sim.production import MONITOR_EVERY
from gateway_sim.scenario import load_scenario
from saimi.benches.workshop import workshop

_START = datetime(2026, 1, 5, tzinfo=UTC)


async def measure_simulator(
    settings: Settings, homes: int, published: int, hours: float, seed: int
) -> Report:
    """Write a county to files, and publish one.

    Raises:
        SaimiError: a part is away, or the simulator failed.
    """
    options = ["--hours", str(hours), "--seed", str(seed), "--scenario", "quiet",
               "--from", _START.isoformat()]  # fmt: skip
    async with workshop(settings, "Making a county") as shop:
        url = shop.parts.mqtt_url

        def simulate(more: Sequence[str]) -> dict[str, Any]:
            return _simulated(more, url)

        made = await asyncio.to_thread(generating, simulate, ["--homes", str(homes), *options])
        shop.bar.describe("Publishing a county")
        run = planned(
            seed=seed, homes=published, scenario=load_scenario("quiet"), start=_START,
            end=_START + timedelta(hours=hours), vitals_every_s=MONITOR_EVERY,
        )  # fmt: skip
        sent = await asyncio.to_thread(
            publishing, simulate, ["--homes", str(published), *options], run, url, shop.say
        )
        return Report(shop.parts.broker, os.cpu_count() or 1, made, sent)


def _simulated(options: Sequence[str], mqtt_url: str) -> dict[str, Any]:
    """The report of a `saimi simulate` in a process of its own."""
    ours = {name: value for name, value in os.environ.items() if name != "SAIMI_DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "saimi", "simulate", *options, "--json"],
        env={**ours, "SAIMI_MQTT_URL": mqtt_url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise SaimiError(f"The simulator failed: {done.stderr.decode(errors='replace')[-500:]}")
    report: dict[str, Any] = msgspec.json.decode(done.stdout.splitlines()[-1])
    return report
