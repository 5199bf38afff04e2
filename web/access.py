"""Who looked at whose data: one row of `audit.access` for each look, and never a look without.

what      list: the name on the live list or the list of clients, once for each open page
          episode: one alert with its readings
          emergency_call: the prepared call to 112
          trends: the trends page, or readings for a chart, a file or on paper (detail: metrics,
          range, an earlier one compared with, and of file and paper the format)
          rule_proposal: their alerts in the report on a proposed change of rules (detail: proposal)
          grafana: sent on to a dashboard in Grafana (detail: range); what follows is not known
          own_login: how the client logs in; own_view: the client's own page, seen by themselves
purpose   care: a member of the client's team; desk: the county's duty desk; break_glass: somebody
          who sees the client only for a reason they gave (the database finds that, and the unit);
          own: the client, who is no member
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from alerts.episodes.listing import Card
from core.database import Connection, load_queries
from web.session import Caller


async def record_looks(
    connection: Connection,
    looks: Iterable[tuple[int, int]],
    *,
    what: str,
    wall: datetime,
    detail: Mapping[str, object] | None = None,
    purpose: str = "care",
) -> None:
    """Put looks on record; each is (member, subject)."""
    pairs = sorted(looks)
    if pairs:
        await load_queries("web").record_looks(
            connection,
            members=[member for member, _ in pairs],
            subjects=[subject for _, subject in pairs],
            what=what,
            detail=dict(detail or {}),
            purpose=purpose,
            wall=wall,
        )


def shown_with(card: Card) -> set[int]:
    """Whose data a card shows: its subject's, and for a home's each client's named on it."""
    return {card.subject, *(person.subject for person in card.people)}


def purpose_of(caller: Caller) -> str:
    """Why a member looks, as far as their role tells."""
    return "desk" if caller.role == "coordinator" else "care"
