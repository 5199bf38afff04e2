"""Adding staff who log in, and setting their passwords."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from core.clock import wall_time
from core.database import Connection, load_queries, translated
from core.errors import UserError
from core.passwords import hash_password

_SHORTEST = 8  # characters; NIST SP 800-63B, 5.1.1.2
_LONGEST = 1024


async def add_member(
    connection: Connection,
    username: str,
    *,
    password: str | None,
    display_name: str | None = None,
    role: str | None = None,
    language: str | None = None,
    identity: str | None = None,
    teams: Sequence[str] = (),
) -> bool:
    """Add a member, or give a registered one a new password; True if they are new.

    `identity` is what the county's identity provider calls them. Without a password they log in
    there alone. For a registered member what else is None stays as it is, and their sessions end:
    whoever had the old password is out.

    Raises:
        UserError: the username, the password or a team cannot be used.
    """
    if re.fullmatch(r"[a-z0-9._-]{1,64}", username) is None:
        raise UserError(
            f"{username!r} cannot be a username: use 1 to 64 small letters a-z, digits, '.', '_' "
            "and '-'."
        )
    if password is not None and not _SHORTEST <= len(password) <= _LONGEST:
        raise UserError(f"A password has {_SHORTEST} to {_LONGEST:,} characters; choose another.")
    if identity is not None and not 0 < len(identity) <= 256:
        raise UserError("An identity has 1 to 256 characters; give the provider's own.")
    hashed = None if password is None else await asyncio.to_thread(hash_password, password)
    queries = load_queries("saimi")
    async with translated(), connection.transaction():
        unknown = await queries.unknown_team(connection, teams=list(teams))
        if unknown is not None:
            raise UserError(
                f"There is no team {unknown!r}: import it with `saimi registry import`."
            )
        other = await queries.shared_identity(connection, username=username, identity=identity)
        if other is not None:
            raise UserError(
                f"The identity {identity or username!r} is that of {other!r}: two members cannot "
                "have one."
            )
        found = await queries.member(connection, username=username)
        if found is None:
            member = await queries.add_member(
                connection,
                username=username,
                display_name=display_name or username,
                role=role or "member",
                language=language or "fi",
                identity=identity,
            )
        else:
            member = found["id"]
            await queries.update_member(
                connection,
                member=member,
                display_name=display_name,
                role=role,
                language=language,
                identity=identity,
            )
            await queries.end_sessions(connection, member=member, wall_at=wall_time())
        await queries.join_teams(connection, member=member, teams=list(teams))
        await queries.set_password(connection, member=member, password_hash=hashed)
    return found is None


async def list_members(connection: Connection) -> list[dict[str, Any]]:
    """All members: username, display_name, role, language, identity, teams, password (bool),
    disabled."""
    async with translated():
        return [dict(row) async for row in load_queries("saimi").members(connection)]
