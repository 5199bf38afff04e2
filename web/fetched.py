"""What other servers say, fetched with bounds and kept for a while."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import aiohttp

LONGEST = 256 * 1024
"""Bytes of an answer."""
WITHIN_S = 5.0
_AFTER_FAILURE = timedelta(seconds=5)
"""So long after a failure nobody asks again: requests that wait in line do not each wait anew."""

T = TypeVar("T")


class NotFetchedError(Exception):
    """What was asked for cannot be had, or is not what it should be; says why in a few words."""


@dataclass(frozen=True)
class Answer:
    """Status and content (a JSON object) of an answer."""

    status: int
    content: dict[str, Any]


async def read_json(where: str) -> dict[str, Any]:
    """The JSON object at an address or in a file.

    Raises:
        NotFetchedError: it cannot be had.
    """
    if where.startswith(("https://", "http://")):
        answer = await ask(where)
        if answer.status != 200:
            raise NotFetchedError(f"status {answer.status}")
        return answer.content
    try:
        return _object(await asyncio.to_thread(Path(where).read_bytes))
    except OSError as error:
        raise NotFetchedError(type(error).__name__) from error


async def ask(
    url: str, *, form: Mapping[str, str] | None = None, authorization: str | None = None
) -> Answer:
    """GET, or POST a form; redirects are not followed.

    Raises:
        NotFetchedError: no answer in time, or one that is too long or no JSON object.
    """
    limit = aiohttp.ClientTimeout(total=WITHIN_S)
    headers = {"Accept": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.request(
                "GET" if form is None else "POST",
                url,
                data=form,
                headers=headers,
                allow_redirects=False,
            ) as answer,
        ):
            body = b""
            while more := await answer.content.read(LONGEST):
                body += more
                if len(body) > LONGEST:
                    raise NotFetchedError("the answer is too long")
            return Answer(answer.status, _object(body))
    except (OSError, TimeoutError, aiohttp.ClientError, ValueError) as error:
        raise NotFetchedError(type(error).__name__) from error


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotFetchedError("it is no JSON") from error
    if not isinstance(found, dict):
        raise NotFetchedError("it is no JSON object")
    return found


class Kept(Generic[T]):
    """One thing that is fetched when it is asked for, and kept for `fresh`."""

    def __init__(self, fetch: Callable[[datetime], Awaitable[T]], *, fresh: timedelta) -> None:
        self._fetch = fetch
        self._fresh = fresh
        self._value: T | None = None
        self._at: datetime | None = None
        self._failed: tuple[datetime, NotFetchedError] | None = None
        self._turn = asyncio.Lock()

    async def get(self, now: datetime, *, other_than: T | None = None, again: timedelta) -> T:
        """The thing. `other_than` is one that did not serve: it is fetched anew, unless it is
        younger than `again`.

        Raises:
            NotFetchedError: it cannot be had.
        """
        async with self._turn:
            if self._value is not None and self._at is not None:
                age = now - self._at
                if age < (again if self._value is other_than else self._fresh):
                    return self._value
            if self._failed is not None and now - self._failed[0] < _AFTER_FAILURE:
                raise self._failed[1]
            try:
                self._value = await self._fetch(now)
            except NotFetchedError as error:
                self._failed = now, error
                raise
            self._at, self._failed = now, None
            return self._value
