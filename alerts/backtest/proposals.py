"""A change of rules or models, proposed with the report of what it would have done.

Kept in the database, nothing overwritten: the rule file as it was judged, in what it differs from
what was in force, the report, and who proposes it and why. Somebody else decides on it, at the
desk; what was accepted last is in force (alerts.rules.in_force).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.clock import wall_time
from core.database import Connection, load_queries, translated
from core.errors import NotFoundError, UserError

LONGEST_WHY = 2000
_queries = load_queries("alerts")


@dataclass(frozen=True)
class Proposal:
    """A proposed change."""

    id: int
    username: str
    proposed_at: datetime
    why: str
    rules: str
    """The rule file."""
    judged_against: str | None
    """The rule file that was in force then; None: not kept."""
    models: str | None
    """The folder of changed models; None: as in force."""
    changes: Sequence[str]
    """In what the rules differ from those in force."""
    report: Any
    markdown: str
    outcome: str | None
    """accepted, refused or withdrawn; None: nobody has decided yet."""


@dataclass(frozen=True)
class Listed:
    """A proposal in a list; `changes`: how many rules differ."""

    id: int
    username: str
    proposed_at: datetime
    why: str
    changes: int
    models: str | None
    report: Any
    outcome: str | None


async def propose(
    connection: Connection,
    *,
    username: str,
    now: datetime,
    why: str,
    rules: str,
    judged_against: str,
    models: str | None,
    changes: Sequence[str],
    report: Any,
    markdown: str,
) -> int:
    """Keep a proposal; `report` can be written as JSON. Returns its number.

    Raises:
        UserError: no reason, or too long a one; nothing changes; nobody is called so.
    """
    why = why.strip()
    if not 1 <= len(why) <= LONGEST_WHY:
        raise UserError(f"A proposal says why, in 1 to {LONGEST_WHY:,} characters.")
    if not changes and models is None:
        raise UserError("These are the rules in force: there is nothing to propose.")
    async with translated():
        ident = await _queries.add_proposal(
            connection, username=username, now=now, wall_at=wall_time(), why=why, rules=rules,
            judged_against=judged_against, models=models, changes=list(changes),
            report=report, markdown=markdown,
        )  # fmt: skip
    if ident is None:
        raise UserError(f"There is no member called {username!r} who could propose it.")
    return int(ident)


async def read_proposals(connection: Connection) -> list[Listed]:
    """All, the newest first."""
    async with translated():
        return [Listed(**dict(row)) async for row in _queries.proposals(connection)]


async def read_proposal(connection: Connection, ident: int) -> Proposal:
    """One of them, whole.

    Raises:
        NotFoundError: there is none of this number.
    """
    async with translated():
        row = await _queries.proposal(connection, id=ident)
    if row is None:
        raise NotFoundError(f"There is no proposal {ident}.")
    return Proposal(**dict(row))
