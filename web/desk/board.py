"""The desk's figures in words, as the page and the API have them. No name of any client is in them,
so that they can hang on a wall, and a look at them is a look at nobody.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec

from alerts.routing.in_force import values_in_force
from core.database import Connection, load_queries
from web.desk.figures import SEVERITIES, Count, Figures, Open, Row, figures
from web.i18n import Texts
from web.words import KINDS
from web.words import SEVERITIES as URGENCIES

SHOWN = 30
"""Waiting alerts on the page, the most pressing; the rest are counted."""


class Counted(msgspec.Struct, forbid_unknown_fields=True):
    open: int
    waiting: int
    overdue: int


class AreaRow(msgspec.Struct, forbid_unknown_fields=True):
    """One area."""

    name: str
    all: Counted
    by_severity: list[Counted]
    """Emergency, urgent, attention, review."""
    oldest: datetime | None
    """Since when the longest waiting alert waits."""


class Waiting(msgspec.Struct, forbid_unknown_fields=True):
    """An alert that nobody has."""

    id: int
    severity: int
    urgency: str
    title: str
    area: str
    since: datetime
    due_at: datetime
    overdue: bool
    called: str
    """Who was called last, in words."""


class Board(msgspec.Struct, forbid_unknown_fields=True):
    """The county now."""

    county: AreaRow
    areas: list[AreaRow]
    waiting: list[Waiting]
    more: int
    """Waiting besides these."""
    explained: int
    """Open, but explained by an outage or a pause: nobody is called about them."""
    time: datetime


@dataclass(frozen=True)
class Found:
    """What was read, before it is put into words."""

    figures: Figures
    areas: dict[int, str]
    called: dict[int, str | None]
    """By episode, who was called last; None: the desk."""


async def read(connection: Connection, now: datetime) -> Found:
    """The figures as the transaction's coordinators may see them."""
    queries = load_queries("web")
    areas = {row["id"]: row["name"] async for row in queries.desk_areas(connection)}
    opened = [Open(**dict(row)) async for row in queries.desk_open(connection)]
    found = figures(opened, areas, await values_in_force(connection), now)
    shown = [alert.id for alert, _, _ in found.waiting[:SHOWN]]
    called = {
        row["episode"]: row["name"] async for row in queries.desk_called(connection, episodes=shown)
    }
    return Found(found, areas, called)


def board(found: Found, text: Texts, now: datetime) -> Board:
    """The same in the words of one language."""
    counted = found.figures

    def named(area: int | None) -> str:
        return text.gettext("Of no area") if area is None else found.areas[area]

    return Board(
        county=_row(text.gettext("Whole county"), counted.county),
        areas=[_row(named(area), row) for area, row in counted.areas.items()],
        waiting=[
            Waiting(
                id=alert.id,
                severity=alert.severity,
                urgency=text.gettext(URGENCIES[alert.severity]),
                title=text.gettext(KINDS[alert.kind]) if alert.kind in KINDS else alert.kind,
                area=named(alert.area),
                since=alert.waits_since,
                due_at=due,
                overdue=overdue,
                called=_called(found, alert.id, text),
            )
            for alert, due, overdue in counted.waiting[:SHOWN]
        ],
        more=max(0, len(counted.waiting) - SHOWN),
        explained=counted.explained,
        time=now,
    )


def _row(name: str, row: Row) -> AreaRow:
    return AreaRow(
        name=name,
        all=_counted(row.all),
        by_severity=[_counted(row.counts[severity]) for severity in SEVERITIES],
        oldest=row.oldest,
    )


def _counted(count: Count) -> Counted:
    values: dict[str, Any] = asdict(count)
    return Counted(**values)


def _called(found: Found, episode: int, text: Texts) -> str:
    if episode not in found.called:
        return text.gettext("Nobody was called yet")
    name = found.called[episode]
    return text.gettext("Called: %(name)s", name=name or text.gettext("the duty desk"))
