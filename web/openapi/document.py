"""The description as one document, OpenAPI 3.1."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from aiohttp import web

from web.api import tagged
from web.openapi.answers import Error
from web.openapi.operation import Operation, described, operation_of
from web.parts import MAX_BODY, parts

_REF = "#/components/schemas/"
_PATTERN = re.compile(r"{(\w+)(?::([^{}]*))?}")
_REFUSALS = {
    400: "It cannot be understood, or cannot be done: the sentence says why.",
    401: "Nobody is logged in, or the session has ended.",
    403: "It does not come from a page of ours: X-Saimi-Token is missing or wrong.",
    404: "It does not exist, or the caller may not see it; in the same words.",
    405: "Not with this method.",
    409: "It does not go with what others did: the sentence says what that was.",
    413: f"Longer than {MAX_BODY // 1024} KiB.",
    429: "Too many at once.",
    503: "The database is away: try again in a moment.",
}
_TIME = {"type": "string", "format": "date-time", "pattern": "^(19[7-9][0-9]|2[01][0-9]{2})-"}
_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "A UUID made with the action: it is applied once, however often it is sent, "
        "and answered the same.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "Saimi-Made-At": {
        "description": "When it was done, by the sender's clock.",
        "schema": _TIME,
    },
    "Saimi-Sent-At": {
        "description": "When it is sent, by the same clock.",
        "schema": _TIME,
    },
}
_TAG = {"ETag": {"description": "This version of it.", "schema": {"type": "string"}}}


def routes(app: web.Application) -> dict[tuple[str, str], Any]:
    """The handlers of the JSON API by method and path: all below /api, and what else is described.

    The FHIR API describes itself in FHIR's own way, at /fhir/R4/metadata.
    """
    found: dict[tuple[str, str], Any] = {}
    for route in app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        ours = path.startswith("/api/") or operation_of(route.handler) is not None
        if ours and route.method != "HEAD":
            found[route.method, path] = route.handler
    return found


def document(app: web.Application, *, server: str) -> dict[str, Any]:
    """The description of every operation that `app` has.

    Raises:
        KeyError: a route of the JSON API says nothing of itself.
    """
    told: dict[tuple[str, str], Operation] = {}
    for where, handler in sorted(routes(app).items()):
        operation = operation_of(handler)
        if operation is None:
            raise KeyError(f"{' '.join(where)} is not described: see web.openapi.operation")
        told[where] = operation
    kinds: list[Any] = [Error]
    for one in told.values():
        kinds += [kind for kind in (one.answer, one.body, one.down) if kind is not None]
    kinds = list(dict.fromkeys(kinds))
    shapes, components = msgspec.json.schema_components(kinds, ref_template=_REF + "{name}")
    schemas = dict(zip(kinds, shapes, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in told.items():
        entry = paths.setdefault(_PATTERN.sub(r"{\1}", path), {})
        entry[method.lower()] = _operation(method, path, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Saimi",
            "version": "1",
            "summary": "What the team's phones and the desk are made of.",
            "description": "Of clients a member sees their own team's; every look is on record. "
            f"Times are RFC 3339. A request's body is JSON of at most {MAX_BODY} bytes.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "security": [{"session": [], "form": []}],
        "paths": _public(paths),
        "components": {
            "schemas": {_outside(name): _public(one) for name, one in components.items()},
            "responses": {
                f"refused-{status}": {
                    "description": about,
                    "content": {"application/json": {"schema": {"$ref": f"{_REF}Error"}}},
                }
                for status, about in _REFUSALS.items()
            },
            "securitySchemes": {
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "saimi",
                    "description": "The session's cookie, from the login; over TLS its name is "
                    "__Host-saimi.",
                },
                "form": {
                    "type": "apiKey", "in": "header", "name": "X-Saimi-Token",
                    "description": "The session's form token (GET /api/session), with every "
                    "request that changes something.",
                },
            },
        },
    }  # fmt: skip


def _operation(
    method: str, path: str, operation: Operation, schemas: dict[Any, dict[str, Any]]
) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(name, pattern)}
        for name, pattern in _PATTERN.findall(path)
    ]
    parameters += [
        {"name": one.name, "in": "query", "required": one.required, "description": one.about,
         "schema": one.schema}
        for one in operation.query
    ]  # fmt: skip
    if operation.action:
        parameters += [{"name": name, "in": "header", **one} for name, one in _HEADERS.items()]
    if operation.tagged:
        parameters.append(
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The ETag of what the caller has.",
                "schema": {"type": "string"},
            }
        )
    told: dict[str, Any] = {
        "operationId": _name(method, path),
        "summary": operation.summary,
        "parameters": parameters,
        "responses": _responses(method, path, operation, schemas),
    }
    if operation.body is not None:
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[operation.body]}},
        }
    if operation.open:
        told["security"] = []
    elif method == "GET":
        told["security"] = [{"session": []}]
    return told


def _responses(
    method: str, path: str, operation: Operation, schemas: dict[Any, dict[str, Any]]
) -> dict[str, Any]:
    given: dict[str, Any] = {"description": "Done."}
    if operation.answer is not None:
        given["content"] = {operation.media: {"schema": schemas[operation.answer]}}
    elif operation.media != "application/json":
        given["content"] = {operation.media: {"schema": {"type": "string"}}}
    if operation.tagged:
        given["headers"] = _TAG
    statuses = {"200" if "content" in given else "204": given}
    if operation.created:
        statuses["201"] = given
    if operation.tagged:
        statuses["304"] = {"description": "The caller has this version.", "headers": _TAG}
    refusals = {400, 405, 413, 503, *operation.refusals}
    if not operation.open:
        refusals |= {401, 404}
    if method != "GET":
        refusals |= {403}
    if "{" in path:
        refusals |= {404}
    if operation.action:
        refusals |= {409}
    for status in sorted(refusals):
        statuses[str(status)] = {"$ref": f"#/components/responses/refused-{status}"}
    if operation.down is not None:
        shape = {"application/json": {"schema": schemas[operation.down]}}
        statuses["503"] = {"description": _REFUSALS[503], "content": shape}
    return statuses


def _path_schema(name: str, pattern: str) -> dict[str, Any]:
    if "|" in pattern:
        return {"type": "string", "enum": pattern.split("|")}
    if name == "id":
        return {"type": "integer", "minimum": 1, "maximum": 2**62}
    if name == "key":
        return {"type": "string", "format": "uuid"}
    return {"type": "string", "minLength": 1}


def _name(method: str, path: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", _PATTERN.sub("one", path).lower()).strip("_")
    return f"{method.lower()}_{words}"


def _public(whole: Any) -> Any:
    """The same with shapes named as outside."""
    if isinstance(whole, dict):
        return {key: _public(value) for key, value in whole.items()}
    if isinstance(whole, list):
        return [_public(one) for one in whole]
    if isinstance(whole, str) and whole.startswith(_REF):
        return _REF + _outside(whole.removeprefix(_REF))
    return whole


def _outside(name: str) -> str:
    """What a shape is called outside: what a handler reads is private to it, and is sent to it."""
    return f"Sent{name[1:]}" if name.startswith("_") else name


@described(Operation("This description", dict[str, Any], tagged=True))
async def openapi(request: web.Request) -> web.Response:
    """GET /api/openapi.json"""
    public = parts(request).public_url or f"{request.scheme}://{request.host}"
    return tagged(request, document(request.app, server=public.rstrip("/")))


ROUTES = [web.get("/api/openapi.json", openapi)]
