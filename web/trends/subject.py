"""Whose trends are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.database import Connection, load_queries
from core.errors import NotFoundError


@dataclass(frozen=True)
class Subject:
    """Whose trends these are, as far as the caller may see them."""

    id: int
    pseudonym: str
    kind: str
    name: str
    born: Any
    municipality: str | None
    spo2_scale: int
    limits_of_care: str


async def find_subject(connection: Connection, pseudonym: str) -> Subject:
    """A subject by pseudonym, of those that the caller may see.

    Raises:
        NotFoundError: there is none, or it is none of the caller's.
    """
    row = await load_queries("web").subject_of(connection, pseudonym=pseudonym)
    if row is None:
        raise NotFoundError("no such subject, or not visible")
    return Subject(
        id=row["id"],
        pseudonym=row["pseudonym"],
        kind=row["kind"],
        name=f"{row['given_name'] or ''} {row['family_name'] or ''}".strip(),
        born=row["born"],
        municipality=row["municipality"],
        spo2_scale=row["spo2_scale"] or 1,
        limits_of_care=row["limits_of_care"] or "",
    )
