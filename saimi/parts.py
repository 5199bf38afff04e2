"""Database and broker for `saimi up` and `saimi replay`: those of the settings, else embedded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from core.errors import SaimiError
from core.settings import Settings
from saimi.broker_probe import probe
from saimi.console import say
from saimi.embedded.broker import Broker, embedded_broker
from saimi.embedded.postgres import PostgresServer

_SHORTEST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 10.0


class _Server(Protocol):
    """What an embedded server offers to be kept running."""

    async def wait_exit(self) -> int: ...

    def restart(self) -> object: ...


class Parts:
    """A database and a broker, there from `start` to `stop`; embedded ones are kept running.

    `database_url`, `mqtt_url` and `broker` (its name and version) are known once started.
    """

    def __init__(self, directory: Path, settings: Settings) -> None:
        self.database_url = (
            settings.database_url.get_secret_value() if settings.database_url else ""
        )
        self.mqtt_url = settings.mqtt_url.get_secret_value() if settings.mqtt_url else ""
        self.broker = ""
        self.postgres = None if self.database_url else PostgresServer(directory / "postgres")
        self.mqtt: Broker | None = None if self.mqtt_url else embedded_broker(directory / "broker")
        self._watches: list[asyncio.Task[None]] = []

    async def start(self) -> Self:
        """Start what is embedded; look whether what is not answers.

        Raises:
            EmbeddedError: an embedded part did not start.
            BrokerError: the broker of the settings does not answer.
        """
        tasks = [
            asyncio.create_task(self._start_database()),
            asyncio.create_task(self._start_broker()),
        ]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            await asyncio.wait(tasks)  # a start in its thread cannot be broken off
            await self.stop()
            raise
        return self

    async def stop(self) -> None:
        """Stop what is embedded: the broker first, the database last."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        self._watches = []
        if self.mqtt is not None:
            await asyncio.to_thread(self.mqtt.stop)
        if self.postgres is not None:
            await asyncio.to_thread(self.postgres.stop)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _start_database(self) -> None:
        if self.postgres is not None:
            await asyncio.to_thread(self.postgres.start)
            self.database_url = self.postgres.url
            self._watches.append(asyncio.create_task(_keep_running("PostgreSQL", self.postgres)))

    async def _start_broker(self) -> None:
        if self.mqtt is None:
            info = await asyncio.to_thread(probe, self.mqtt_url)
            self.broker = info.name
            return
        await asyncio.to_thread(self.mqtt.start)
        self.mqtt_url = self.mqtt.url
        self.broker = f"{self.mqtt.name} {await asyncio.to_thread(_version, self.mqtt)}"
        self._watches.append(asyncio.create_task(_keep_running("The broker", self.mqtt)))


def _version(broker: Broker) -> str:
    return broker.version


async def _keep_running(name: str, server: _Server) -> None:
    pause = _SHORTEST_PAUSE_S
    while True:
        status = await server.wait_exit()
        say(f"{name} ended (status {status}) and is started again.")
        await asyncio.sleep(pause)
        try:
            await asyncio.to_thread(server.restart)
            pause = _SHORTEST_PAUSE_S
        except SaimiError as error:
            say(f"{name} does not start: {error}")
            pause = min(pause * 2, _LONGEST_PAUSE_S)
