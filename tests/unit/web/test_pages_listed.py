"""No page without the checks that all pages go through."""

from __future__ import annotations

import re
from typing import Any, cast

from core.clock import REAL_CLOCK
from tests.acceptance.pages import NOT_PAGES, PAGES
from web.app import create_app

_NOBODY = cast(Any, None)
"""No database: nothing is asked of it before the application starts."""


def _shape(route: str) -> str:
    """A route without the names of its placeholders."""
    return re.sub(r"\{[^}]*\}", "*", route.partition("?")[0])


def test_every_page_is_listed() -> None:
    app = create_app(
        database_url="postgresql:///nowhere", pool=_NOBODY, login=_NOBODY, clock=REAL_CLOCK
    )
    routes = {
        route.resource.canonical
        for route in app.router.routes()
        if route.method == "GET" and route.resource is not None
    }
    apart = {route for route in routes if route.startswith(tuple(NOT_PAGES))}
    wanted = {_shape(route) for route in routes - apart - {"/shell/{name}"}}
    assert wanted - {_shape(page.route) for page in PAGES} == set(), (
        "add a line to PAGES in tests/acceptance/pages.py for each of these"
    )
