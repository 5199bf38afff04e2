"""Everything on one machine: `saimi up`.

    embedded database and broker -> schema -> county, clock, logins -> ingest, alerts, web -> homes

Each service is a process of its own, as in production. What was started is stopped in the reverse
order, so that whatever was sent is committed before the next part goes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from core.clock import ScaledClock
from core.migrate import migrate
from core.settings import Settings
from gateway_sim.county import County
from gateway_sim.plan import Plan
from saimi.addresses import Running, remove_running, write_running
from saimi.data_directory import DataDirectory
from saimi.demo import HISTORY, Login, prepare_county
from saimi.embedded.ports import free_port, require_free
from saimi.parts import Parts
from saimi.supervisor import Service, saimi_command

T = TypeVar("T")
HOST = "127.0.0.1"
_ATTEMPTS = 5
"""How often the homes are started before it is given up: a part that they need may just have died
and be starting again."""
_DRAIN_S = 60.0
"""How long the gateways may take to get their last receipts."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    data_dir: Path
    homes: int | None = None
    """None: as many as last time, at first 12."""
    speed: float = 60.0
    port: int = 8080
    """0: any free one."""
    seed: int = 7
    scenario: str = "demo"


class Stopped(Exception):  # noqa: N818 - not an error: somebody wants us to end
    """Told to stop while still starting."""


class Line:
    """The whole line from homes to a page, running."""

    def __init__(self, options: Options, settings: Settings, stop: asyncio.Event) -> None:
        self._options = options
        self._settings = settings
        self._stop = stop
        self._stack = AsyncExitStack()
        self._directory = DataDirectory(options.data_dir)
        self._homes: Service | None = None
        self.database_url = ""
        self.broker = ""
        self.web_url = ""
        self.clock: ScaledClock
        self.county: County
        self.plan: Plan
        self.logins: list[Login] = []

    @property
    def ledger(self) -> Path:
        """Where the gateways write down what they sent."""
        return self._directory.path / "gateways" / "ledger.sqlite"

    async def start(self) -> None:
        """Start everything up to the web service; nobody is at home yet.

        Raises:
            SaimiError: a part does not start; what was started is stopped again.
            Stopped: told to stop meanwhile; everything is stopped again.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        options, stack = self._options, self._stack
        await stack.enter_async_context(self._directory)
        if options.port:
            require_free(options.port, "The web service")
        parts = Parts(self._directory.path, self._settings)
        stack.push_async_callback(parts.stop)
        await self._unless_stopped(parts.start())
        self.database_url, self.broker = parts.database_url, parts.broker
        await self._unless_stopped(migrate(self.database_url))
        prepared = await self._unless_stopped(
            prepare_county(
                self.database_url,
                self._directory,
                homes=options.homes,
                seed=options.seed,
                scenario=options.scenario,
                speed=options.speed,
                ours=parts.postgres is not None,
            )
        )
        self.clock, self.county, self.plan = prepared.clock, prepared.county, prepared.plan
        self.logins = prepared.logins

        port = options.port or free_port()
        self.web_url = f"http://{HOST}:{port}"
        environment = {
            "SAIMI_DATABASE_URL": parts.database_url,
            "SAIMI_MQTT_URL": parts.mqtt_url,
            "SAIMI_DATA_DIR": str(self._directory.path),
            "SAIMI_PUBLIC_URL": self._settings.public_url or self.web_url,
        }

        def service(name: str, *arguments: str, output: bool = False) -> Service:
            return Service(
                name,
                saimi_command(name, *arguments),
                environment=environment,
                logs=self._directory.logs,
                inherited=self._directory.inherited,
                output=output,
            )

        services = [
            service("ingest"),
            service("alerts"),
            service("deliver"),
            service("judge"),
            service("web", "--host", HOST, "--port", str(port)),
            service("watchdog"),  # the last, so that it is stopped first and misses nobody
        ]
        for one in services:
            stack.push_async_callback(one.stop)
        await self._unless_stopped(_all([one.start() for one in services]))
        write_running(
            self._directory.path,
            Running(os.getpid(), parts.database_url, parts.mqtt_url, self.web_url),
        )
        stack.callback(remove_running, self._directory.path)
        self._homes = service(
            "simulate",
            *("--homes", str(len(self.county.homes)), "--seed", str(options.seed)),
            *("--scenario", options.scenario, "--history", str(HISTORY / timedelta(hours=1))),
            *("--ledger", str(self.ledger), "--json"),
            output=True,
        )

    async def bring_homes_to_life(self) -> None:
        """Start the simulated homes.

        Raises:
            SaimiError: they do not start.
            Stopped: told to stop meanwhile.
        """
        assert self._homes is not None  # noqa: S101 - start() was called
        self._stack.push_async_callback(self._homes.stop, _DRAIN_S)
        await self._unless_stopped(self._homes.start(attempts=_ATTEMPTS))

    async def send_homes_to_sleep(self) -> dict[str, Any]:
        """Let the homes send nothing more and wait for their receipts; what they say they did."""
        assert self._homes is not None  # noqa: S101 - start() was called
        said = await self._homes.stop(_DRAIN_S)
        lines = said.decode(errors="replace").strip().splitlines()
        try:
            return msgspec.json.decode(lines[-1], type=dict[str, Any])
        except (IndexError, msgspec.MsgspecError):
            return {}

    async def stop(self) -> None:
        """Stop everything that runs, last started first."""
        await self._stack.aclose()

    async def _unless_stopped(self, work: Awaitable[T]) -> T:
        """Await `work`, unless told to stop first; then it is awaited to its end and dropped."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            task.cancel()
            await asyncio.wait((task,))
            raise Stopped
        finally:
            stopped.cancel()


async def _all(work: list[Awaitable[None]]) -> None:
    """Await all; one failure cancels the others, and waits for them."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
