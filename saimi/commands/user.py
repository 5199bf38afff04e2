"""`saimi user`: staff who log in."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from saimi.console import Json, emit, show_table

if TYPE_CHECKING:
    import asyncpg

app = typer.Typer(help="Staff who log in.", no_args_is_help=True)


class Role(StrEnum):
    """What somebody does."""

    MEMBER = "member"
    CLINICIAN = "clinician"
    COORDINATOR = "coordinator"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Language(StrEnum):
    """Languages of the pages."""

    FI = "fi"
    SV = "sv"
    EN = "en"


@app.command()
def add(
    username: Annotated[str, typer.Argument(help="What they log in with: a-z 0-9 . _ -")],
    name: Annotated[str | None, typer.Option(help="As colleagues see it.")] = None,
    role: Annotated[Role | None, typer.Option(help="Default for somebody new: member.")] = None,
    language: Annotated[Language | None, typer.Option(help="Default for somebody new: fi.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="Their team; may be given again.")] = None,
    identity: Annotated[
        str | None,
        typer.Option(help="What the county's identity provider calls them, if not the username."),
    ] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They log in at the identity provider alone.")
    ] = False,
    password_file: Annotated[
        Path | None, typer.Option(help="First line is the password; - is standard input.")
    ] = None,
    json: Json = False,
) -> None:
    """Add somebody, or give somebody who is registered a new password.

    The password is asked for, or read from a file; never given as an argument, where every user of
    the machine could read it.
    """
    from saimi.connecting import with_connection
    from saimi.members import add_member

    password = None if no_password else _password(password_file)

    async def work(connection: asyncpg.Connection) -> bool:
        return await add_member(
            connection,
            username,
            password=password,
            display_name=name,
            role=role,
            language=language,
            identity=identity,
            teams=team or (),
        )

    new = with_connection(work)
    if json:
        emit({"username": username, "added": new})
    else:
        changed = "has no password any more" if no_password else "has a new password"
        print(f"{username} was added." if new else f"{username} {changed}.")


@app.command("list")
def list_(json: Json = False) -> None:
    """List who may log in."""
    from saimi.connecting import with_connection
    from saimi.members import list_members

    rows = with_connection(list_members)
    if json:
        emit({"members": rows})
    else:
        columns = (
            "username", "display_name", "role", "language", "identity", "teams", "password",
            "disabled",
        )  # fmt: skip
        rows = [row | {"teams": ", ".join(row["teams"])} for row in rows]
        show_table(columns, [[row[column] for column in columns] for row in rows])


def _password(file: Path | None) -> str:
    if file is None:
        if not sys.stdin.isatty():
            raise UserError("There is no terminal to ask for the password on: use --password-file.")
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The password cannot be read from {file} ({error}).") from error
    return text.partition("\n")[0].removesuffix("\r")
