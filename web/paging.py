"""Where a page of a list ends, as an opaque word: the next page begins behind it.

A place in the order, not a number of rows: what comes or goes meanwhile moves nothing from one page
to another, so nothing that stays is shown twice or left out.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import msgspec

Key = tuple[int, datetime, int]
"""Urgency, opening and identifier, as `alerts.episodes.listing.Card.urgency`."""
MOST = 500
"""Entries of a page."""
USUAL = 100
"""Entries of a page where nothing is said."""
LONGEST = 120
"""Characters of a cursor."""


class NoCursorError(ValueError):
    """What was given is no cursor of ours."""


def cursor(key: Key) -> str:
    """The word for a place in the list."""
    text = msgspec.json.encode((key[0], key[1].isoformat(), key[2]))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def behind(word: str) -> Key:
    """The place that `cursor` made the word of.

    Raises:
        NoCursorError: it did not.
    """
    try:
        if len(word) > LONGEST:
            raise ValueError(word)
        raw = base64.b64decode(word.encode("ascii") + b"=" * (-len(word) % 4), b"-_", validate=True)
        urgency, opened, number = msgspec.json.decode(raw, type=tuple[int, str, int])
        at = datetime.fromisoformat(opened)
        if at.tzinfo is None or not 1900 <= at.year <= 2300:
            raise ValueError(opened)
        if not (-4 <= urgency <= 0 and 0 < number < 2**31):
            raise ValueError(number)
    except (ValueError, msgspec.MsgspecError) as error:
        raise NoCursorError(word[:LONGEST]) from error
    return urgency, at.astimezone(UTC), number
