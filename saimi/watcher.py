"""Somebody at the desk who notes when each alert reaches an open page; real time.

A real login on the real web service and the stream of server-sent events that a browser would
have; what is measured with it is what a person would wait for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from core.clock import wall_time
from core.errors import SaimiError
from core.server_sent import events

_RETRY_S = 0.2
_PATIENCE_S = 20.0
"""How long the service may be away at the beginning."""


@dataclass(frozen=True)
class Arrival:
    """The first time an episode was seen on the page."""

    wall_at: datetime
    episode: dict[str, Any]
    """As the stream gave it (see web.episodes)."""


class Watcher:
    """An open stream from `open` to `close`; reconnects as a browser does."""

    def __init__(self, base_url: str, *, username: str, password: str) -> None:
        self._base_url = base_url
        self._login = {"username": username, "password": password}
        # By default aiohttp keeps no cookies of a host that is an address.
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._task: asyncio.Task[None] | None = None
        self._live = asyncio.Event()
        self.arrivals: dict[int, Arrival] = {}
        """By episode id; those that were open before are not in it."""
        self.known: set[int] = set()
        """Episodes that were open when the stream began."""

    async def open(self) -> Self:
        """Log in and wait for the first snapshot; while the service is away, again.

        Raises:
            SaimiError: the web service does not take the login, or stays away for 20 s.
        """
        why = "it does not answer"
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while (refusal := await self._refused()) is not None:
                    why = refusal
                    await asyncio.sleep(_RETRY_S)
                why = "it sends no list"
                self._task = asyncio.create_task(self._watch())
                await self._live.wait()
        except BaseException as error:
            await self.close()
            if isinstance(error, TimeoutError):
                raise SaimiError(
                    f"The web service at {self._base_url} gives no stream of alerts ({why}): see "
                    "its log."
                ) from error
            raise
        return self

    async def _refused(self) -> str | None:
        """Log in; why that cannot be done just now, None if it is done.

        Raises:
            SaimiError: the web service does not take the login.
        """
        try:
            async with self._session.post(
                f"{self._base_url}/login", data=self._login, allow_redirects=False
            ) as answer:
                if answer.status == 303:
                    return None
                if answer.status < 500:
                    raise SaimiError(
                        f"The web service at {self._base_url} does not take the demo's login "
                        f"(status {answer.status}): see its log."
                    )
                return f"status {answer.status}"
        except aiohttp.ClientError as error:
            return type(error).__name__

    async def close(self) -> None:
        """End the stream."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._session.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _watch(self) -> None:
        endless = aiohttp.ClientTimeout(total=None, sock_read=30)
        while True:
            try:
                async with self._session.get(
                    f"{self._base_url}/api/stream", timeout=endless
                ) as answer:
                    answer.raise_for_status()
                    async for name, data in events(answer.content.iter_any()):
                        self._note(name, data)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(_RETRY_S)

    def _note(self, name: str, data: bytes) -> None:
        now = wall_time()
        if name == "snapshot":
            found = msgspec.json.decode(data)["episodes"]
            if not self._live.is_set():
                self.known.update(episode["id"] for episode in found)
                self._live.set()
        elif name == "episode":
            found = [msgspec.json.decode(data)]
        else:
            return
        for episode in found:
            if episode["id"] not in self.known:
                self.arrivals.setdefault(episode["id"], Arrival(now, episode))
