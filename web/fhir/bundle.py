"""Bundles of search answers, their links, and cursors that say where a page ends."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from web.fhir.observation import Key, instant
from web.fhir.outcome import FhirError


def searchset(
    base: str,
    path: str,
    params: Sequence[tuple[str, str]],
    resources: Iterable[dict[str, Any]],
    *,
    now: datetime,
    following: str | None = None,
    beside: Iterable[dict[str, Any]] = (),
) -> dict[str, Any]:
    """A page of search results; `following` is the cursor of the next page, `beside` are outcomes.

    `base` is the address of the API, `path` what was searched below it.
    """
    shown = [pair for pair in params if pair[0] != "_cursor"]
    links = [{"relation": "self", "url": _url(base, path, params)}]
    if following is not None:
        links.append(
            {"relation": "next", "url": _url(base, path, [*shown, ("_cursor", following)])}
        )
    entries = [
        {
            "fullUrl": f"{base}/{one['resourceType']}/{one['id']}",
            "resource": one,
            "search": {"mode": "match"},
        }
        for one in resources
    ]
    entries += [{"resource": one, "search": {"mode": "outcome"}} for one in beside]
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": instant(now),
        "link": links,
    }
    return bundle | {"entry": entries} if entries else bundle


def _url(base: str, path: str, params: Sequence[tuple[str, str]]) -> str:
    return f"{base}/{path}" + (f"?{urlencode(params)}" if params else "")


def cursor(*parts: object) -> str:
    """An opaque word for where a page ends."""
    text = msgspec.json.encode(parts)
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def parts_of(text: str | None, *kinds: type) -> list[Any] | None:
    """What `cursor` was made of; None where none was given.

    Raises:
        FhirError: it is no cursor of this search.
    """
    if text is None:
        return None
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
        found: list[Any] = msgspec.json.decode(raw, type=list)
        if [type(one) for one in found] != list(kinds):
            raise ValueError(text)
        if any(isinstance(one, int) and not 0 <= one < 2**31 for one in found):
            raise ValueError(text)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise FhirError(
            "This is no page of this search: follow the links of a Bundle as they are.",
            expression="_cursor",
        ) from None
    return found


def key_cursor(key: Key) -> str:
    """The cursor behind an Observation."""
    return cursor(key.time.isoformat(), key.device, key.group)


def key_behind(text: str | None) -> Key | None:
    """The Observation behind which a page begins."""
    found = parts_of(text, str, int, int)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[0])
        if at.tzinfo is None or not 1900 <= at.year <= 2300:
            raise ValueError(found[0])
        if found[2] >= 2**15:
            raise ValueError(found[2])
    except ValueError:
        raise FhirError(
            "This is no page of this search: follow the links of a Bundle as they are.",
            expression="_cursor",
        ) from None
    return Key(at.astimezone(UTC), found[1], found[2])
