"""What happened beside the readings: alerts, visits and times away, to be marked in charts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.database import Connection, load_queries
from web.i18n import Texts, mark
from web.sentences import named
from web.trends.subject import Subject
from web.words import KINDS, OUTCOMES, PAUSES, SEVERITIES

VISITS: dict[str, str] = {
    "arrived": mark("Visit"),
    "remote_visit": mark("Remote visit"),
}
MOST = 200
"""Marks of a kind; the newest are kept."""


async def marks(
    connection: Connection,
    subject: Subject,
    subjects: list[int],
    *,
    since: datetime,
    until: datetime,
    text: Texts,
) -> dict[str, Any]:
    """{"alerts", "visits", "pauses", "more"}, the newest first; "more": some were left out.

    An alert that goes on, and a pause that is not over, end with null or later than the range.
    """
    queries = load_queries("web")
    asked: dict[str, Any] = {"since": since, "until": until, "count": MOST + 1}
    alerts = [
        {
            "id": row["id"],
            "severity": row["severity"],
            "text": f"{_urgency(text, row['severity'])}: {named(text, KINDS, row['kind'])}",
            "from": row["opened_at"],
            "to": row["ended_at"],
            "outcome": row["outcome"] and named(text, OUTCOMES, row["outcome"]),
        }
        async for row in queries.alert_marks(connection, subjects=subjects, **asked)
    ]
    visits = [
        {"episode": row["episode"], "text": named(text, VISITS, row["what"]), "at": row["at"]}
        async for row in queries.visit_marks(connection, subjects=subjects, **asked)
    ]
    pauses = [
        {"text": named(text, PAUSES, row["kind"]), "from": row["since"], "to": row["until"]}
        async for row in queries.pause_marks(connection, subject=subject.id, **asked)
    ]
    return {
        "alerts": alerts[:MOST],
        "visits": visits[:MOST],
        "pauses": pauses[:MOST],
        "more": max(map(len, (alerts, visits, pauses))) > MOST,
    }


def _urgency(text: Texts, severity: int) -> str:
    return text.gettext(SEVERITIES[severity])
