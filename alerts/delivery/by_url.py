"""Messages by SMS gateways, e-mail and chat: through Apprise, from a URL that is a secret.

Apprise says whether a message was taken, and not by what name: there are no receipts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from alerts.delivery.route import Address
from alerts.delivery.sending import Outcome
from alerts.delivery.wording import Outgoing, sentence
from core.errors import UserError

_THREADS = 8
"""A service that hangs keeps a thread until its sockets time out; more than these wait."""
_CONNECT_S = 4.0
_WITH_HEADERS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
_MAIL = frozenset({"mailto", "mailtos"})
_LOCAL = frozenset({"dbus", "qt", "kde", "glib", "gnome", "macosx", "syslog", "windows"})
"""What shows messages on the machine that Saimi runs on, where nobody sits."""


class UnusableUrlError(UserError):
    """It is no URL that Apprise knows how to use; does not repeat it."""


def check_url(url: str) -> str:
    """The scheme of an Apprise URL that can be used.

    Raises:
        UnusableUrlError: it cannot.
    """
    scheme = scheme_of(url)
    if scheme in _LOCAL or not url.isprintable() or _plugin(url, 10.0) is None:
        raise UnusableUrlError(
            "This is no URL that messages can be sent to: look it up in Apprise's list of services."
        )
    return scheme


def scheme_of(url: str) -> str:
    """What kind of service a URL is of; the only part of it that may be shown."""
    return url.partition("://")[0].lower()


class ByUrl:
    """Sends by Apprise, in a few threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="apprise")
        # It would write addresses to standard error.
        logger = logging.getLogger("apprise")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False

    async def send(self, address: Address, message: Outgoing, *, within_s: float) -> Outcome:
        """Hand it to the service behind the URL."""
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        work = loop.run_in_executor(self._threads, _notify, address.secret, message, within_s)
        try:
            async with asyncio.timeout(within_s + 1.0):
                taken = await work
        except TimeoutError:
            # The thread cannot be stopped; its own timeouts end it.
            return Outcome("interrupted", "the service gave no answer in time")
        except Exception as error:
            return Outcome("failed", f"the service could not be used ({type(error).__name__})")
        if taken is None:
            return Outcome("refused", "the URL cannot be used", by_service=False)
        if taken:
            return Outcome("sent")
        if time.monotonic() - began >= within_s - _CONNECT_S:
            return Outcome("interrupted", "the service gave no answer in time")
        return Outcome("failed", "the service did not take it")

    def close(self) -> None:
        """Let threads go; those that hang end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _notify(url: str, message: Outgoing, within_s: float) -> bool | None:
    plugin = _plugin(_with_key(url, message), within_s)
    if plugin is None:
        return None
    text = sentence(message)
    if message.link is not None:
        text += f" {message.link}"
    return bool(plugin.notify(body=text, title="Saimi"))


def _plugin(url: str, within_s: float) -> Any:
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
    if plugin is not None:
        plugin.socket_connect_timeout = min(_CONNECT_S, within_s / 2)
        plugin.socket_read_timeout = within_s - plugin.socket_connect_timeout
    return plugin


def _with_key(url: str, message: Outgoing) -> str:
    """The URL with the message's key as a header, where the service takes headers of ours."""
    scheme = scheme_of(url)
    if scheme in _WITH_HEADERS:
        name = "Idempotency-Key"
    elif scheme in _MAIL:
        name = "X-Saimi-Key"
    else:
        return url
    joint = "&" if urlsplit(url).query else "?" if not url.endswith("?") else ""
    return f"{url}{joint}%2B{name}={message.key}"
