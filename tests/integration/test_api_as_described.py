"""The JSON API answers what its description says, whatever is sent: schemathesis asks.

The description comes from the code (web.openapi); schemathesis makes requests that it allows and
requests that it does not, and holds each answer to it: status, headers, media type, each field.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from core.clock import ManualClock
from tests.integration.web_support import NOW, Browser, County, county, logged_in, serving
from tests.support.databases import Databases
from tests.support.waiting import DEADLINE_S
from web.app import create_app
from web.openapi.document import document
from web.security import FORM_HEADER

_T = TypeVar("_T")
_nothing: Any = None
_app = create_app(database_url="", pool=_nothing, login=_nothing, clock=ManualClock(NOW))
_schema = schemathesis.openapi.from_dict(document(_app, server="http://saimi.test"))
Case = schemathesis.Case[Any]
_number = count(1)
COOKIE = "saimi"
POSITIVE = schemathesis.GenerationMode.POSITIVE
CANNOT_SAY = {"/api/push/subscribe", "/api/break-glass"}
"""What is a key on an elliptic curve cannot be told by a schema; and what is a blank differs from
one dialect of patterns to another."""
NOT_UNDERSTOOD = "Pyyntöä ei voitu tulkita."


@dataclass
class Served:
    """The real service in a loop of its own, with a nurse who is logged in."""

    address: str
    browser: Browser
    place: County
    aino: int
    pseudonym: str
    _loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    @property
    def cookies(self) -> dict[str, str]:
        return {one.key: one.value for one in self.browser.session.cookie_jar}

    def episode(self) -> int:
        """A new alert of Aino's; those of before are closed, so that lists stay short."""
        return self.do(self._episode())

    async def _episode(self) -> int:
        await self.place.connection.execute(
            "UPDATE alerts.episode SET closed_at = $1, closed_by = 1, outcome = 'false'"
            " WHERE closed_at IS NULL",
            NOW,
        )
        return await self.place.open(self.aino, origin=f"test-{next(_number)}", severity=2)


async def _stand(url: str, ready: Callable[[Served], object], over: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(county(url))
        address = await stack.enter_async_context(serving(place))
        nurse = await stack.enter_async_context(logged_in(address, "nurse"))
        ready(
            Served(
                address, nurse, place, await place.subject("aino"), await place.pseudonym("aino"),
                asyncio.get_running_loop(),
            )
        )  # fmt: skip
        await over.wait()


@pytest.fixture(scope="module")
def served(plain_databases: Databases) -> Iterator[Served]:
    url = plain_databases.create()
    loop, over = asyncio.new_event_loop(), asyncio.Event()
    found: list[Served] = []
    begun = threading.Event()

    def ready(one: Served) -> None:
        found.append(one)
        begun.set()

    def work() -> None:
        try:
            loop.run_until_complete(_stand(url, ready, over))
        finally:
            begun.set()

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(DEADLINE_S)
    assert found, "the service does not start"
    yield found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(DEADLINE_S)
    loop.close()
    plain_databases.drop(url)


@pytest.fixture(autouse=True, scope="module")
def _connections_uncounted() -> Iterator[None]:
    """It counts connections in a way that fails where niquests has replaced urllib3."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("schemathesis.transport.requests._count_opened_connections", lambda _: 0)
        yield


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        yield one


def understood(_context: object, response: schemathesis.Response, case: Case) -> None:
    """What the description allows may be refused, but never as something unintelligible."""
    meta = case.meta
    if response.status_code != 400 or meta is None or meta.generation.mode != POSITIVE:
        return
    body = case.body if isinstance(case.body, dict) else {}
    if "\\u0000" in msgspec.json.encode([body, dict(case.query or {})]).decode():
        return  # no text of PostgreSQL has it
    assert case.path in CANNOT_SAY or response.json()["error"] != NOT_UNDERSTOOD


def as_written(value: Any) -> Any:
    """Whole numbers without a fraction, as every browser writes them: to JSON Schema 5.0 is an
    integer, to the service it is none."""
    if isinstance(value, dict):
        return {key: as_written(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_written(one) for one in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value


def credentials(case: Case, served: Served) -> dict[str, Any]:
    """The nurse's cookie and form token, but for what shall be missing or wrong in this case."""
    meta = case.meta
    broken = getattr(getattr(meta, "phase", None), "data", None)
    without = {getattr(broken, "parameter", None)}
    if meta is not None and without == {None}:
        if meta.is_negative_at(ParameterLocation.COOKIE):
            without.add(COOKIE)
        if meta.is_negative_at(ParameterLocation.HEADER):
            without.add(FORM_HEADER)
    return {
        "cookies": {} if COOKIE in without else served.cookies,
        "headers": {} if FORM_HEADER in without else {FORM_HEADER: served.browser.token},
    }


@_schema.exclude(path="/api/stream").parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_operation_answers_as_it_is_described(
    case: Case, served: Served, session: requests.Session
) -> None:
    if case.meta is not None and case.meta.generation.mode == POSITIVE:
        case.body = as_written(case.body)
        if "id" in case.path_parameters:
            case.path_parameters["id"] = served.episode()
        if "Idempotency-Key" in case.headers:  # one that was sent before is another matter
            case.headers["Idempotency-Key"] = str(uuid4())
    case.call_and_validate(
        base_url=served.address,
        session=session,
        additional_checks=[understood],
        # What the schema cannot say (a range that is too long) is refused in words of its own.
        excluded_checks=[positive_data_acceptance],
        **credentials(case, served),
    )


@_schema.include(path="/api/stream").parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_stream_begins_as_it_is_described(case: Case, served: Served) -> None:
    """It never ends, so it is hung up on once its head is there."""
    sent = case.as_transport_kwargs(base_url=served.address)
    given = credentials(case, served)
    sent |= {"cookies": given["cookies"], "headers": {**sent["headers"], **given["headers"]}}
    with requests.request(**sent, stream=True, timeout=DEADLINE_S) as answer:
        told = case.operation.definition.raw["responses"]
        assert str(answer.status_code) in told, answer.status_code
        kind = "text/event-stream" if answer.status_code == 200 else "application/json"
        assert answer.headers["Content-Type"].partition(";")[0] == kind
        if not given["cookies"]:
            assert answer.status_code == 401
