"""Why a home-day has its score, in words."""

from __future__ import annotations

from models.reasons import Reason
from web.i18n import Texts, mark

REASONS: dict[str, str] = {
    "events_raises": mark("Much activity in the home: %(value)s events, %(hours)s"),
    "events_lowers": mark("Little activity in the home: %(value)s events, %(hours)s"),
    "events_unknown": mark("Activity in the home is not known, %(hours)s"),
    "moves_raises": mark("Many moves between rooms: %(value)s, %(hours)s"),
    "moves_lowers": mark("Few moves between rooms: %(value)s, %(hours)s"),
    "moves_unknown": mark("Moves between rooms are not known, %(hours)s"),
    "hallway_raises": mark("Often in the hallway: %(value)s times, %(hours)s"),
    "hallway_lowers": mark("Seldom in the hallway: %(value)s times, %(hours)s"),
    "hallway_unknown": mark("No sensor in the hallway, %(hours)s"),
}


def reason_text(reason: Reason, texts: Texts) -> str:
    """One reason as a line: what, when, and what is usual here."""
    value = "" if reason.value is None else texts.number(reason.value)
    said = texts.gettext(REASONS[reason.key], value=value, hours=_hours(reason, texts))
    if reason.usual is None:
        return said
    return said + texts.gettext(" (usual here: %(usual)s)", usual=texts.number(reason.usual))


def _hours(reason: Reason, texts: Texts) -> str:
    """`19–23 the evening before`, `8–13`; across midnight `21–2, from the evening before`."""
    span = f"{reason.first % 24}–{reason.end if reason.end > 0 else reason.end + 24}"
    if reason.first >= 0:
        return span
    if reason.end <= 0:
        return texts.gettext("%(hours)s the evening before", hours=span)
    return texts.gettext("%(hours)s, from the evening before", hours=span)
