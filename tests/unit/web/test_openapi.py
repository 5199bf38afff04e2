"""The JSON API's description has all of it, and nothing besides."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from aiohttp import web
from schemathesis.core.result import Ok

from core.clock import ManualClock
from tests.integration.web_support import NOW
from web.app import create_app
from web.openapi.document import document, routes
from web.openapi.operation import described_handlers, operation_of
from web.parts import MAX_BODY


@pytest.fixture(scope="module")
def app() -> web.Application:
    nothing: Any = None
    return create_app(database_url="", pool=nothing, login=nothing, clock=ManualClock(NOW))


@pytest.fixture(scope="module")
def told(app: web.Application) -> dict[str, Any]:
    return document(app, server="https://saimi.example")


def test_each_json_route_is_described_and_each_that_is_described_is_there(
    app: web.Application,
) -> None:
    silent = [where for where, handler in routes(app).items() if operation_of(handler) is None]
    assert not silent, "say what it does: web.openapi.operation.described"
    assert described_handlers() <= set(routes(app).values()), "described, but nowhere routed"


def test_a_route_that_says_nothing_of_itself_is_named() -> None:
    async def silent(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/api/silent", silent)
    with pytest.raises(KeyError, match="GET /api/silent is not described"):
        document(app, server="/")


def test_it_is_openapi(told: dict[str, Any]) -> None:
    schema = schemathesis.openapi.from_dict(told)
    schema.validate()
    all_ = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    found = {(one.method.upper(), one.path) for one in all_}
    assert ("POST", "/api/episodes/{id}/close") in found
    assert len(found) == sum(len(methods) for methods in told["paths"].values())
    names = [one["operationId"] for methods in told["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))


def test_a_body_is_described_by_the_type_that_it_is_read_with(told: dict[str, Any]) -> None:
    closing = told["components"]["schemas"]["SentClosing"]
    assert closing["required"] == ["outcome"]
    assert closing["additionalProperties"] is False
    sent = told["paths"]["/api/episodes/{id}/close"]["post"]["requestBody"]["content"]
    assert sent["application/json"]["schema"] == {"$ref": "#/components/schemas/SentClosing"}
    assert str(MAX_BODY) in told["info"]["description"]


def test_a_write_is_told_to_need_the_form_token_and_to_be_applied_once(
    told: dict[str, Any],
) -> None:
    note = told["paths"]["/api/episodes/{id}/note"]["post"]
    assert "security" not in note  # the document's: session and form token
    assert told["security"] == [{"session": [], "form": []}]
    assert "Idempotency-Key" in {one["name"] for one in note["parameters"]}
    assert {"401", "403", "404", "409"} <= set(note["responses"])
