"""The watchdog at work: look, judge, tell, every few seconds; what it knows survives a restart."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from core.clock import wall_time
from saimi.watchdog.judging import Limits, Trouble, Watch, judge, troubles, watching_since
from saimi.watchdog.looking import look
from saimi.watchdog.telling import Voice, ping
from web.i18n import Language, texts
from web.watchdog_sentences import all_clear, page

EVERY_S = 5.0
"""Between two looks; sooner where limits are shorter than usual."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Orders:
    """What the watchdog is told from outside."""

    database_url: str
    urls: Sequence[str] = ()
    """Apprise's: who is paged."""
    ping_url: str | None = None
    ping_every_s: float = 60.0
    memory: Path | None = None
    """File that keeps what was said over a restart; None: nothing is kept."""
    language: Language = "fi"
    limits: Limits = field(default_factory=Limits)


class Memory(msgspec.Struct, omit_defaults=True):
    """What a restart must not forget."""

    watch: Watch = Watch()
    waiting: dict[str, tuple[str, str]] = {}


async def run(
    orders: Orders, stop: asyncio.Event, *, on_ready: Callable[[], None] | None = None
) -> None:
    """Watch until `stop` is set; a database that is away is what it is there for."""
    voice = Voice(orders.urls)
    memory = _recall(orders.memory)
    voice.resume(memory.waiting)
    kept = memory
    shortest = min(orders.limits.silent_after, orders.limits.patience).total_seconds()
    every = min(EVERY_S, max(shortest / 4, 0.1))
    since = watching_since(memory.watch, now=wall_time(), limits=orders.limits)
    pinged = float("-inf")
    known: list[Trouble] = []
    try:
        while not stop.is_set():
            began = time.monotonic()
            seen, why = await look(orders.database_url, instance="main")
            now = wall_time()
            wrong = troubles(seen, now=now, watching_since=since, limits=orders.limits)
            if [one[:2] for one in wrong] != [one[:2] for one in known]:
                _log.warning("what is wrong", troubles=[one[:2] for one in wrong], why=why)
                known = wrong
            watch, say = judge(memory.watch, wrong, now=now, limits=orders.limits)
            text = texts(orders.language)
            if say == "page":
                voice.say(*page(text, wrong))
            elif say == "all_clear":
                voice.say(*all_clear(text, memory.watch.wrong_since or now, now))
            # Written before it is said: killed in between, it is said once more rather than never.
            memory = Memory(watch, voice.waiting)
            kept = _keep(orders.memory, memory, kept)
            await voice.work(within_s=every)
            memory = Memory(watch, voice.waiting)
            kept = _keep(orders.memory, memory, kept)
            if on_ready is not None:
                on_ready()
                on_ready = None
            # Who has not watched yet, or cannot make itself heard, must not seem well outside.
            if (
                orders.ping_url is not None
                and not voice.unheard
                and now - since >= orders.limits.silent_after
                and time.monotonic() - pinged >= orders.ping_every_s
                and await ping(orders.ping_url)
            ):
                pinged = time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.05, every - (time.monotonic() - began))):
                    await stop.wait()
    finally:
        voice.close()


def _recall(path: Path | None) -> Memory:
    if path is None:
        return Memory()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Memory)
    except FileNotFoundError:
        return Memory()
    except (OSError, msgspec.MsgspecError) as error:
        _log.warning("what was said before is not known", why=type(error).__name__)
        return Memory()


def _keep(path: Path | None, memory: Memory, kept: Memory) -> Memory:
    """Write what is new; a disk that is full keeps nobody from being paged."""
    if path is None or memory == kept:
        return memory
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".new")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(memory))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        _log.warning("what was said cannot be kept", why=error.strerror)
        return kept
    return memory
