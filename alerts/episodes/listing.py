"""Episodes as the web shows them: what a member may see, most urgent first.

`cards` reads episodes without asking who looks, so that a changed episode is read once and fanned
out to many; nothing of it may leave the process except through `Card.seen_by`, which gives each
viewer only what their visible subjects allow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from alerts.finding import LIFE_SAFETY
from core.database import Connection, load_queries, translated
from core.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Person:
    """A client whom an episode is about; for a home's episode, each client who lives there; for an
    outage's, each who is at risk in it."""

    subject: int
    pseudonym: str
    given_name: str
    family_name: str
    born: date
    phone: str
    limits_of_care: str


@dataclass(frozen=True, slots=True)
class Card:
    """One episode.

    `summary` is {"rule", "key", "params", "missing", "others"} (see alerts.finding for keys and
    parameters; `others` are the summaries, each with "severity", of further findings of the same
    kind; `inhibited_by`, where it is there, names the higher cause that explains it). `evidence` is
    a list of {"gateway", "device", "device_id", "metric", "value", "qualifier", "time",
    "received_at", "state"} (times RFC 3339, UTC), with "points": [low, high] for NEWS2; newest
    first, the trigger is evidence[0]; it is empty for a device that was never heard.
    """

    id: int
    version: int
    kind: str
    origin: str
    severity: int
    highest: int
    subject: int
    pseudonym: str
    subject_kind: str
    """client, home, unknown, area or service (Saimi itself)."""
    people: tuple[Person, ...]
    area_code: str | None
    area_name: str | None
    address: str | None
    access: str | None
    """How to get in."""
    opened_at: datetime
    changed_at: datetime
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: int | None
    acknowledged_by_name: str | None
    acknowledged_until: datetime | None
    """When it returns to the queue unless renewed."""
    contacted_at: datetime | None
    """When a person was reached, where that still holds."""
    contacted_by_name: str | None
    contacted: dict[str, Any] | None
    """{how, whom, note}; see alerts.handling.handling.contact."""
    closed_at: datetime | None
    closed_by: int | None
    closed_by_name: str | None
    outcome: str | None
    note: str
    summary: dict[str, Any]
    evidence: list[dict[str, Any]]

    @property
    def needs_contact(self) -> bool:
        """Whether closing it needs a recorded contact with a person
        (alerts.handling.handling.close)."""
        return self.kind in LIFE_SAFETY and self.contacted_at is None

    def seen_by(self, visible: Set[int]) -> Card | None:
        """What somebody sees who may see the subjects `visible`; None: nothing at all."""
        if self.subject not in visible:
            return None
        return replace(self, people=tuple(p for p in self.people if p.subject in visible))

    @property
    def concerns(self) -> set[int]:
        """Its subject, and the clients that it names."""
        return {self.subject, *(person.subject for person in self.people)}

    @property
    def urgency(self) -> tuple[int, datetime, int]:
        """Sort key: most severe first, then longest waiting."""
        return (-self.severity, self.opened_at, self.id)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to an episode.

    `detail` holds: opened {severity, summary, evidence}; rose and fell {from, to, summary,
    evidence}; rose, returned and updated also {acknowledgement_ended: {by, at}} where they took an
    acknowledgement away; updated {summary, evidence}; cleared {}; returned {severity, summary,
    evidence}; called {round, step, message, severity, travel_min: minutes or null, for a member;
    reasons, for the desk (alerts.routing)}; acknowledged and renewed {severity, until}; handed_over
    {severity, to, until}; released {round}; lapsed {by, at}; contacted {how, whom, note};
    on_way {severity, until, minutes?}; arrived {severity, until}; not_reached {how, note}; noted
    {note}; asked {service, note}; observed {readings: [{metric, value}]}; alone_started {until};
    alone_overdue {since}; closed {outcome, note, contact}. What was done a while before it was
    applied has `made_at` (alerts.handling). `member` is who did it; for called: who was.
    """

    id: int
    at: datetime
    wall_at: datetime
    what: str
    member: int | None
    member_name: str | None
    detail: dict[str, Any]
    record: str | None = None
    """To which record it belongs, health or social; None: Saimi noted it itself."""


_queries = load_queries("alerts")


async def visible_subjects(
    connection: Connection, *, member: int, subjects: Collection[int], now: datetime
) -> frozenset[int]:
    """Which of these subjects a member may see at `now`."""
    async with translated():
        rows = _queries.visible_subjects(
            connection, member=member, subjects=list(subjects), now=now
        )
        return frozenset([row["subject"] async for row in rows])


async def cards(connection: Connection, ids: Iterable[int]) -> list[Card]:
    """Episodes by id, open or closed, most urgent first; show them only through `seen_by`."""
    async with translated():
        rows = [row async for row in _queries.cards(connection, ids=list(ids))]
    return sorted((_card(row) for row in rows), key=lambda card: card.urgency)


async def open_episodes(connection: Connection, *, member: int, now: datetime) -> list[Card]:
    """The open episodes a member may see, most urgent first, then longest waiting."""
    async with translated():
        rows = [row async for row in _queries.open_ids(connection, member=member, now=now)]
    return await _shown(connection, member=member, ids=(row["id"] for row in rows), now=now)


async def open_page(
    connection: Connection,
    *,
    member: int,
    now: datetime,
    after: tuple[int, datetime, int] | None,
    count: int,
) -> tuple[list[Card], tuple[int, datetime, int] | None]:
    """At most `count` of the open episodes a member may see, in the same order, behind the urgency
    `after`; and the urgency behind which there are more, None at the end."""
    urgency, opened_at, number = (None, None, None) if after is None else after
    async with translated():
        found = _queries.open_page(
            connection, member=member, now=now, urgency=urgency, opened_at=opened_at, id=number,
            count=count + 1,
        )  # fmt: skip
        rows = [row async for row in found]
    page = rows[:count]
    shown = await _shown(connection, member=member, ids=(row["id"] for row in page), now=now)
    last = page[-1] if len(rows) > count else None
    return shown, None if last is None else (-last["severity"], last["opened_at"], last["id"])


@dataclass(frozen=True, slots=True)
class Missed:
    """An alert that a member did nothing about, and when they were called and did not look."""

    card: Card
    called_at: datetime | None


async def missed(
    connection: Connection, *, member: int, since: datetime, now: datetime, count: int
) -> list[Missed]:
    """What a member missed since a moment, at most `count`: what still waits first, then the most
    severe, then the newest."""
    async with translated():
        found = _queries.missed(connection, member=member, since=since, now=now, count=count)
        called = {row["id"]: row["called_at"] async for row in found}
    shown = await _shown(connection, member=member, ids=called, now=now)
    by_id = {card.id: card for card in shown}
    return [Missed(by_id[one], at) for one, at in called.items() if one in by_id]


async def _shown(
    connection: Connection, *, member: int, ids: Iterable[int], now: datetime
) -> list[Card]:
    found = await cards(connection, ids)
    subjects = set[int]().union(*(card.concerns for card in found))
    visible = await visible_subjects(connection, member=member, subjects=subjects, now=now)
    return [seen for card in found if (seen := card.seen_by(visible)) is not None]


async def episode(
    connection: Connection, *, member: int, now: datetime, episode: int
) -> tuple[Card, list[Event]]:
    """One episode, open or closed, and everything that happened to it, oldest first.

    Raises:
        NotFoundError: there is none, or the member may not know of it; in the same words.
    """
    for card in await cards(connection, [episode]):
        visible = await visible_subjects(connection, member=member, subjects=card.concerns, now=now)
        seen = card.seen_by(visible)
        if seen is not None:
            async with translated():
                rows = [row async for row in _queries.events(connection, episode=episode)]
            return seen, [Event(**dict(row)) for row in rows]
    raise NotFoundError(NOT_FOUND)


NOT_FOUND = "There is no such alert among those you may see: go back to the list."


def _card(row: Any) -> Card:
    values = dict(row)
    values["people"] = tuple(
        Person(**{**person, "born": date.fromisoformat(person["born"])})
        for person in values["people"]
    )
    return Card(**values)
