"""What happened to an alert, one line each."""

from __future__ import annotations

from typing import Any

from alerts.episodes.listing import Event
from web.i18n import Texts
from web.sentences import sentence
from web.values import as_time, metric_name, value_text
from web.words import EVENTS, HOWS, OUTCOMES, REASONS, SEVERITIES, TRIED, service_name


def event_json(event: Event, kind: str, text: Texts) -> dict[str, Any]:
    """{id, at, what, text, by, detail, note, record}: `text` and `detail` in words."""
    detail = event.detail
    lines: list[str] = []
    if event.what in ("rose", "fell") and "to" in detail:
        lines.append(text.gettext(SEVERITIES.get(int(detail["to"]), "Attention")) + ".")
    if isinstance(detail.get("summary"), dict):
        lines.append(sentence(text, kind, detail["summary"]))
    if detail.get("acknowledgement_ended"):
        lines.append(text.gettext("Somebody must acknowledge it again."))
    if event.what == "called":
        if event.member is not None and detail.get("travel_min") is not None:
            lines.append(
                text.ngettext(
                    "About %(n)s minute away by car.",
                    "About %(n)s minutes away by car.",
                    int(detail["travel_min"]),
                )
            )
        lines += [text.gettext(REASONS[one]) for one in detail.get("reasons", ()) if one in REASONS]
    if event.what == "contacted" and detail.get("how") in HOWS:
        lines.append(text.gettext(HOWS[str(detail["how"])]).capitalize() + ".")
    if event.what == "on_way" and detail.get("minutes") is not None:
        lines.append(
            text.ngettext(
                "There in about %(n)s minute.",
                "There in about %(n)s minutes.",
                int(detail["minutes"]),
            )
        )
    if event.what == "not_reached" and detail.get("how") in TRIED:
        lines.append(text.gettext(TRIED[str(detail["how"])]).capitalize() + ".")
    if event.what == "asked":
        lines.append(service_name(text, str(detail.get("service"))).capitalize() + ".")
    if event.what == "observed":
        lines += [
            f"{metric_name(text, str(one['metric']))} "
            f"{value_text(text, str(one['metric']), one['value'])}."
            for one in detail.get("readings", ())
        ]
    if event.what == "alone_started" and (until := as_time(detail.get("until"))) is not None:
        lines.append(text.gettext("Until %(time)s.", time=text.time(until)))
    if event.what == "closed":
        lines.append(text.gettext(OUTCOMES.get(str(detail.get("outcome")), "Real")) + ".")
        if detail.get("contact"):
            lines.append(text.gettext("A person was reached."))
    if (made_at := as_time(detail.get("made_at"))) is not None:
        lines.append(text.gettext("Done at %(time)s without connection.", time=text.time(made_at)))
    explained = event.what == "updated" and "inhibited_by" in (detail.get("summary") or {})
    what = "inhibited" if explained else event.what
    return {
        "id": event.id,
        "at": event.at,
        "what": event.what,
        "text": text.gettext(EVENTS.get(what, what)),
        "by": event.member_name
        or (text.gettext("the duty desk") if event.what == "called" else None),
        "detail": " ".join(lines),
        "note": str(detail.get("note") or ""),
        "record": event.record,
    }
