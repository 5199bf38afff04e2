"""Answers of the FHIR API: resources as JSON, entity tags, and errors as OperationOutcome."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from web.fhir.outcome import FhirError, of_error
from web.parts import parts

MEDIA_TYPE = "application/fhir+json"
_FORMATS = frozenset(("json", "application/json", "application/fhir+json", "text/json"))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_encode = msgspec.json.Encoder().encode


def resource(
    content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A resource as the body."""
    return web.Response(
        body=_encode(content),
        status=status,
        headers=dict(headers or {}),
        content_type=MEDIA_TYPE,
        charset="utf-8",
    )


def tagged(request: web.Request, content: Mapping[str, Any]) -> web.Response:
    """A resource with its entity tag; 304 without a body for who has that version already."""
    body = _encode(content)
    tag = hashlib.sha256(body).hexdigest()[:24]
    headers = {"ETag": f'W/"{tag}"'}
    if any(one.value in (tag, "*") for one in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers, content_type=MEDIA_TYPE, charset="utf-8")


def base_of(request: web.Request) -> str:
    """The API's address as the caller knows it."""
    public = parts(request).public_url
    return f"{(public or f'{request.scheme}://{request.host}').rstrip('/')}/fhir/R4"


def handled(handler: Handler) -> Handler:
    """A handler whose refusals become OperationOutcomes, and which speaks JSON alone."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            wanted = request.query.get("_format", "json").replace(" ", "+")
            if wanted.partition(";")[0].strip() not in _FORMATS:
                raise FhirError(
                    "Only JSON is given: _format=json.", status=406, code="not-supported",
                    expression="_format",
                )  # fmt: skip
            return await handler(request)
        except FhirError as error:
            return refusal(error)

    return answered


def refusal(error: FhirError) -> web.Response:
    """The answer to what cannot be done."""
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    elif error.status == 403:
        headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'
    return resource(of_error(error), status=error.status, headers=headers)
