"""What a handler of the JSON API says of itself, beside its code.

A request's body is described by the very type that it is decoded with, so the two cannot differ;
answers by the types of `web.openapi.answers`, to which a test holds what is really answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_H = TypeVar("_H", bound=Handler)


@dataclass(frozen=True)
class Query:
    """A parameter of the query."""

    name: str
    about: str
    schema: dict[str, Any]
    required: bool = False


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    summary: str
    answer: Any = None
    """Type of the JSON that is answered; None: no content."""
    body: Any = None
    """Type of the JSON that is sent; None: none is."""
    query: tuple[Query, ...] = ()
    tagged: bool = False
    """A read with an entity tag."""
    action: bool = False
    """A write that is applied once (web.actions)."""
    down: Any = None
    """Type of the JSON that is answered with 503, where that is no refusal."""
    refusals: tuple[int, ...] = ()
    """Statuses of refusals besides those that every operation has."""
    created: bool = False
    """201 where something is new, 200 where it was there."""
    media: Literal["application/json", "text/event-stream"] = "application/json"
    open: bool = False
    """For whoever asks, without a session."""


_operations: dict[Any, Operation] = {}


def described(operation: Operation) -> Callable[[_H], _H]:
    """Say what a handler does."""

    def note(handler: _H) -> _H:
        _operations[handler] = operation
        return handler

    return note


def described_handlers() -> frozenset[Any]:
    """Every handler that said something of itself."""
    return frozenset(_operations)


def operation_of(handler: Any) -> Operation | None:
    """What a handler said of itself; None: nothing."""
    return _operations.get(handler)
