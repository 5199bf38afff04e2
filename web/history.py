"""What happened to an alert, one line each."""

from __future__ import annotations

from typing import Any

from alerts.listing import Event
from web.i18n import Texts
from web.sentences import sentence
from web.words import EVENTS, OUTCOMES, SEVERITIES


def event_json(event: Event, kind: str, text: Texts) -> dict[str, Any]:
    """{id, at, what, text, by, detail}: `text` and `detail` in words."""
    detail = event.detail
    lines: list[str] = []
    if event.what in ("rose", "fell") and "to" in detail:
        lines.append(text.gettext(SEVERITIES.get(int(detail["to"]), "Attention")) + ".")
    if isinstance(detail.get("summary"), dict):
        lines.append(sentence(text, kind, detail["summary"]))
    if detail.get("acknowledgement_ended"):
        lines.append(text.gettext("Somebody must acknowledge it again."))
    if event.what == "closed":
        lines.append(text.gettext(OUTCOMES.get(str(detail.get("outcome")), "Real")) + ".")
        if detail.get("contact"):
            lines.append(text.gettext("A person was reached."))
    explained = event.what == "updated" and "inhibited_by" in (detail.get("summary") or {})
    what = "inhibited" if explained else event.what
    return {
        "id": event.id,
        "at": event.at,
        "what": event.what,
        "text": text.gettext(EVENTS.get(what, what)),
        "by": event.member_name,
        "detail": " ".join(lines),
        "note": str(detail.get("note") or ""),
    }
