"""Running asynchronous work from the command line: signals, supervisors, the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer

T = TypeVar("T")
_LAST_GRACE_S = 3.0
"""A service whose supervisor is gone may take this long to end in order."""


def run(work: Callable[[asyncio.Event], Coroutine[Any, Any, T]], *, watch_stdin: bool = False) -> T:
    """Run `work(stop)`; SIGINT and SIGTERM set `stop`, a second one cancels the work.

    With `watch_stdin` the end of standard input counts as SIGTERM: that is how a service notices
    the death of the supervisor that started it, kill -9 included.

    Raises:
        typer.Exit: with status 130 after a SIGINT, once the work has ended in order.
    """
    return asyncio.run(_run(work, watch_stdin))


async def _run(work: Callable[[asyncio.Event], Coroutine[Any, Any, T]], watch_stdin: bool) -> T:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work(stop))
    received: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        received.append(number)
        if len(received) > 1:
            task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    if watch_stdin:
        _watch_stdin(loop, stop)
    try:
        result = await task
    except asyncio.CancelledError:
        if not received:
            raise
        raise typer.Exit(128 + received[0]) from None
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    if signal.SIGINT in received:
        raise typer.Exit(130)
    return result


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop at the end of standard input, with a thread that works even if the loop hangs."""
    ended = threading.Event()

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        try:
            loop.call_soon_threadsafe(stop.set)
        except RuntimeError:  # the loop is closed: we are ending already
            return
        if not ended.wait(_LAST_GRACE_S):
            os._exit(1)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()


def notify_ready() -> None:
    """Tell the supervisor that the service is ready, if one asked (see sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notification:
        notification.connect(address)
        notification.send(b"READY=1")
