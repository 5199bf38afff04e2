"""What a client said, for whoever works on the alert."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from alerts.episodes.listing import Card
from core.database import Connection, load_queries
from web.i18n import Texts, mark
from web.values import as_time

ANSWERS: dict[str, str] = {"yes": mark("Yes"), "partly": mark("Partly"), "no": mark("No")}
"""Whether it was of help."""


async def own_words(connection: Connection, card: Card, text: Texts) -> list[dict[str, Any]]:
    """In the client's own words: what they asked for while the alert is open, how it went
    afterwards. Rows of `at`, `what` (call, after), `answer`, `words`, `member` (who wrote it down).
    """
    rows = load_queries("web").own_words_of(
        connection,
        subjects=[card.subject],
        since=_began(card) - timedelta(seconds=1),
        until=card.closed_at,
        episode=card.id,
    )
    found = [dict(row) async for row in rows]
    for row in found:
        answer = ANSWERS.get(row["answer"] or "", "")
        row["answer"] = text.gettext(answer) if answer else ""
    if card.kind == "call_request":
        return found
    return [row for row in found if row["what"] == "after"]


def _began(card: Card) -> datetime:
    """When the oldest of what it rests on was measured: the engine may have heard of it later."""
    times = [as_time(one.get("time")) for one in card.evidence]
    return min([card.opened_at, *(at for at in times if at is not None)])
