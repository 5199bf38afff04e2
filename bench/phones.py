"""Phones with the list of alerts open: each has a stream of server-sent events of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

import aiohttp
import msgspec

from core.server_sent import events

_RETRY_S = 0.5
_LISTENS_S = 30.0


class Seen(msgspec.Struct):
    """What the phones saw."""

    arrivals: dict[int, list[float]]
    """By episode, when it was first seen on each phone that saw it; Unix seconds. None that was in
    a phone's first list is in here."""
    broken: int
    """Streams that broke, and were opened again."""
    cpu_s: float


class _Named(msgspec.Struct):
    id: int


class _Snapshot(msgspec.Struct):
    episodes: list[_Named]


def watch(base_url: str, cookies: Sequence[dict[str, str]], line: Connection) -> None:
    """Open a stream for each of the sessions, say "ready", and note arrivals until told to end.

    To be run in a process of its own; `line` gets "ready", then a `Seen` at the end.
    """
    line.send(asyncio.run(_watch(base_url, cookies, line)))


async def _watch(base_url: str, cookies: Sequence[dict[str, str]], line: Connection) -> Seen:
    seen = Seen({}, 0, 0.0)
    ready = [asyncio.Event() for _ in cookies]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        phones = [
            asyncio.create_task(_phone(session, base_url, cookie, live, seen))
            for cookie, live in zip(cookies, ready, strict=True)
        ]
        await asyncio.gather(*(live.wait() for live in ready))
        line.send("ready")
        await asyncio.to_thread(line.recv)
        for phone in phones:
            phone.cancel()
        await asyncio.gather(*phones, return_exceptions=True)
    seen.cpu_s = time.process_time()
    return seen


async def _phone(
    session: aiohttp.ClientSession,
    base_url: str,
    cookies: dict[str, str],
    live: asyncio.Event,
    seen: Seen,
) -> None:
    known: set[int] = set()
    endless = aiohttp.ClientTimeout(total=None, sock_read=_LISTENS_S)
    header = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    while True:
        try:
            async with session.get(
                f"{base_url}/api/stream", timeout=endless, headers=header
            ) as answer:
                answer.raise_for_status()
                async for name, data in events(answer.content.iter_any()):
                    now = time.time()
                    if name == "snapshot":
                        found = [
                            one.id for one in msgspec.json.decode(data, type=_Snapshot).episodes
                        ]
                        if not live.is_set():
                            known.update(found)
                            live.set()
                    elif name == "episode":
                        found = [msgspec.json.decode(data, type=_Named).id]
                    else:
                        continue
                    for episode in found:
                        if episode not in known:
                            known.add(episode)
                            seen.arrivals.setdefault(episode, []).append(now)
        except (aiohttp.ClientError, TimeoutError):
            pass
        seen.broken += 1
        await asyncio.sleep(_RETRY_S)
