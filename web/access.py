"""Who looked at whose data: one row of `audit.access` for each look, and never a look without.

what      list: the name on the live list or the list of clients, once for each open page
          episode: one alert with its readings
          trends: the trends page, or readings for a chart (detail: metrics and range)
purpose   care: a member of the client's team; desk: the county's duty desk
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from core.database import Connection, load_queries
from core.errors import NotFoundError
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


def purpose_of(caller: Caller) -> str:
    """Why a member looks, as far as their role tells."""
    return "desk" if caller.role == "coordinator" else "care"


async def require_visible(
    connection: Connection, caller: Caller, subject: int, *, now: datetime
) -> None:
    """Let only those on who may see `subject` now.

    Raises:
        NotFoundError: they may not; said as if there were no such subject.
    """
    if not await load_queries("web").may_see(
        connection, member=caller.id, subject=subject, now=now
    ):
        raise NotFoundError("subject not visible")
