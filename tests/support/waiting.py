"""Waiting on a condition with a deadline, so that no test sleeps to be right."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
DEADLINE_S = 30.0
"""How long a test waits for what must come. Only one that fails waits so long, so it is generous: a
test that runs beside others must not fail for being slow. What promises a time measures it."""
_POLL_S = 0.02


async def eventually(
    condition: Callable[[], Awaitable[T]],
    *,
    within: float = DEADLINE_S,
    what: str = "the condition",
) -> T:
    """Return the first true result of `condition()`; fail the test after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        result = await condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within} s; last: {result!r}")
        await asyncio.sleep(_POLL_S)


def wait_for(
    condition: Callable[[], T], *, within: float = DEADLINE_S, what: str = "the condition"
) -> T:
    """As `eventually`, for tests that are not asynchronous."""
    deadline = time.monotonic() + within
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within} s; last: {result!r}")
        time.sleep(_POLL_S)
