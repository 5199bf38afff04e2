"""The small county with a clinician, and forms of the desk as a browser sends them."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.integration.web_support import Browser, County, county, logged_in, serving

_FIELD = re.compile(
    r"<(input|select|textarea)\b([^>]*)>(.*?)(?=<(?:input|select|textarea)\b|$)", re.S
)
_NAME = re.compile(r'name="([^"]+)"')


@dataclass
class Desk:
    """The service on a county where Klaara is a clinician of Imatra's team."""

    place: County
    address: str

    async def pseudonym(self, reference: str = "aino") -> str:
        return await self.place.pseudonym(reference)


async def add_clinician(place: County) -> None:
    """Klaara, a clinician of Imatra's team."""
    await place.connection.execute(
        "INSERT INTO registry.member (username, display_name, role, password_hash)"
        " SELECT 'klaara', 'Klaara Clinician', 'clinician', password_hash"
        " FROM registry.member WHERE username = 'nurse'"
    )
    await place.connection.execute(
        "INSERT INTO registry.team_member SELECT t.id, m.id FROM registry.team t,"
        " registry.member m WHERE t.name = 'Imatra team' AND m.username = 'klaara'"
    )


async def add_administrator(place: County) -> None:
    """Who gives and takes rights."""
    await place.connection.execute(
        "INSERT INTO registry.member (username, display_name, role, language, password_hash)"
        " SELECT 'admin', 'Anna Administrator', 'administrator', 'en', password_hash"
        " FROM registry.member WHERE username = 'nurse'"
    )


@asynccontextmanager
async def desk(url: str) -> AsyncIterator[Desk]:
    async with county(url) as place:
        await add_clinician(place)
        async with serving(place) as address:
            yield Desk(place, address)


def fields(page: str, form: str) -> list[tuple[str, str]]:
    """What a browser would send of the form with this id, nothing being changed."""
    start = page.index(f'id="{form}"')
    body = page[start : page.index("</form>", start)]
    found = []
    for kind, attributes, rest in _FIELD.findall(body):
        name = _NAME.search(attributes)
        if name is None or ('type="checkbox"' in attributes and " checked" not in attributes):
            continue
        value = re.search(r'value="([^"]*)"', attributes)
        given = value[1] if value else ""
        if kind == "select":
            chosen = re.search(r'<option value="([^"]*)" selected', rest) or re.search(
                r'<option value="([^"]*)"', rest
            )
            given = chosen[1] if chosen else ""
        elif kind == "textarea":
            given = rest.partition("</textarea>")[0]
        found.append((name[1], html.unescape(given)))
    return found


async def send(
    browser: Browser, path: str, sent: list[tuple[str, str]], **changed: str
) -> tuple[int, str]:
    """Send a form with some fields changed (dots as double underscores); status, and the page."""
    names = {name.replace("__", "."): value for name, value in changed.items()}
    data: list[tuple[str, Any]] = [(n, v) for n, v in sent if n not in names] + list(names.items())
    if "token" not in dict(data):
        data.append(("token", browser.token))
    async with browser.session.post(path, data=data, allow_redirects=False) as answer:
        return answer.status, html.unescape(await answer.text())


__all__ = ["Desk", "desk", "fields", "logged_in", "send"]
