"""Telling people, by Apprise's URLs, and somebody outside that we live.

Each URL is told on its own and until it has taken the message, so that one that does not work keeps
nobody else from hearing. A message that its service answers late counts once.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

_CONNECT_S = 4.0
_READ_S = 8.0
PING_S = 10.0

_log = structlog.get_logger()


class Voice:
    """Pages of one outage at a time, to each of the URLs."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = {hashlib.sha256(url.encode()).hexdigest()[:16]: url for url in urls}
        self._waiting: dict[str, tuple[str, str]] = {}
        """By URL's digest: subject and text that it has not taken yet."""
        self._sending: dict[str, asyncio.Future[bool]] = {}
        self._sent: dict[str, tuple[str, str]] = {}
        self._threads = ThreadPoolExecutor(max(1, len(urls)), thread_name_prefix="page")
        # It would write addresses to standard error.
        logger = logging.getLogger("apprise")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False

    @property
    def unheard(self) -> bool:
        """Whether there is something to say that nobody has taken."""
        return bool(self._urls) and len(self._waiting) == len(self._urls)

    @property
    def waiting(self) -> dict[str, tuple[str, str]]:
        """What is not taken yet, by the URL's digest; to be kept over a restart."""
        return dict(self._waiting)

    def resume(self, waiting: dict[str, tuple[str, str]]) -> None:
        """Go on with what was not taken before a restart."""
        self._waiting = {one: said for one, said in waiting.items() if one in self._urls}

    def say(self, title: str, text: str) -> None:
        """Tell everybody; who has not taken what was said before is told this instead."""
        if not self._urls:
            _log.error("there is nobody to tell: SAIMI_WATCHDOG_URLS is not set", title=title)
        for digest in self._urls:
            self._waiting[digest] = (title, text)

    async def work(self, *, within_s: float) -> None:
        """Send what waits, and see what was taken; returns after `within_s` at the latest."""
        loop = asyncio.get_running_loop()
        for digest, (title, text) in self._waiting.items():
            if digest not in self._sending:
                self._sending[digest] = loop.run_in_executor(
                    self._threads, _notify, self._urls[digest], title, text
                )
                self._sent[digest] = (title, text)
        if self._sending:
            await asyncio.wait(self._sending.values(), timeout=within_s)
        for digest, sending in list(self._sending.items()):
            if sending.done():
                del self._sending[digest]
                said = self._sent.pop(digest)
                if not sending.cancelled() and sending.exception() is None and sending.result():
                    if self._waiting.get(digest) == said:
                        del self._waiting[digest]
                else:
                    scheme = self._urls[digest].partition("://")[0]
                    _log.warning("a page was not taken", scheme=scheme)

    def close(self) -> None:
        """Let threads go; those that hang end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _notify(url: str, title: str, text: str) -> bool:
    import apprise

    asset = apprise.AppriseAsset(
        async_mode=False,
        secure_logging=True,
        app_id="Saimi",
        app_desc="Saimi",
        app_url="",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    plugin = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is None:
        return False
    plugin.socket_connect_timeout = _CONNECT_S
    plugin.socket_read_timeout = _READ_S
    return bool(plugin.notify(body=text, title=title))


async def ping(url: str) -> bool:
    """Say outside that we live (as healthchecks.io wants it: a GET); whether it was heard."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=PING_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            return answer.status < 400
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        _log.warning("the ping was not heard", why=type(error).__name__)
        return False
