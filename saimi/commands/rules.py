"""`saimi rules`: whether a file can be put in force, what it would change, and proposing that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from saimi.console import Json, emit, say, show_table

if TYPE_CHECKING:
    import asyncpg

    from alerts.backtest.proposals import Listed, Proposal

app = typer.Typer(help="The alert engine's rules.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The alert engine's rules."""


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A rule file, .toml.")], json: Json = False
) -> None:
    """Check a rule file, and say which rules differ from those that ship.

    SAIMI_RULES_FILE names the file in force; `saimi alerts` reads it at start and when it changes.
    """
    from alerts.rules.changes import changes
    from alerts.rules.shipped import read_rules

    rules = read_rules(file)
    found = changes(rules)
    if json:
        emit({"ok": True, "rules": len(rules.rules), "changes": found})
        return
    print(f"{file.name}: {len(rules.rules)} rules, in order.")
    for line in found:
        print(f"  {line}")
    if not found:
        print("  They are those that ship.")


@app.command("propose")
def propose(
    since: Annotated[str, typer.Option("--from", metavar="T", help="First moment that counts.")],
    to: Annotated[str, typer.Option("--to", metavar="T", help="Moment from which nothing counts.")],
    by: Annotated[str, typer.Option(metavar="USERNAME", help="The member who proposes it.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="For whoever decides on it.")],
    file: Annotated[
        Path | None, typer.Argument(help="The changed rule file; absent: as in force.")
    ] = None,
    models: Annotated[Path | None, typer.Option(metavar="DIR", help="The changed models.")] = None,
    warm_up_days: Annotated[
        float, typer.Option(min=0.0, max=365.0, help="Days before, replayed as well.")
    ] = 14.0,
    silence: Annotated[bool, typer.Option(help="Also listen for devices that fall silent.")] = True,
    json: Json = False,
) -> None:
    """Propose a change together with the backtest that speaks for or against it.

    The report, the rules as judged and the reason are kept in the database. Another coordinator
    accepts or refuses them at the desk; models are put in force with SAIMI_MODEL_DIR.
    """
    from alerts.backtest.proposals import propose as keep
    from alerts.rules.changes import changes
    from alerts.rules.in_force import read_decided
    from core.database import read_clock
    from saimi.backtest_change import alerting_in_force
    from saimi.backtest_database import backtest_database
    from saimi.backtest_report import change
    from saimi.connecting import with_connection

    before = alerting_in_force(decided=with_connection(read_decided))
    after = before.changed(file, models)
    found = changes(after.rules, before.rules)
    if not found and models is None:
        raise UserError("These are the rules in force: there is nothing to propose.")
    report = backtest_database(since, to, before, after, warm_up_days=warm_up_days, silence=silence)
    text = change(report)

    async def work(connection: asyncpg.Connection) -> int:
        return await keep(
            connection,
            username=by,
            now=(await read_clock(connection)).now(),
            why=why,
            rules=after.text,
            judged_against=before.text,
            models=None if models is None else models.name,
            changes=found,
            report=report,
            markdown=text,
        )

    ident = with_connection(work)
    if json:
        emit({"proposal": ident, "changes": found, "report": report})
        return
    print(text)
    say(f"Proposal {ident} is kept, for another coordinator to decide on: /desk/rules/{ident}.")


@app.command("proposals")
def proposals(
    number: Annotated[int | None, typer.Argument(help="One of them, whole.")] = None,
    json: Json = False,
) -> None:
    """Show what was proposed, the newest first; or one proposal with its report."""
    from dataclasses import asdict

    from alerts.backtest.proposals import read_proposal, read_proposals
    from saimi.connecting import with_connection

    if number is not None:
        ident = number

        async def one(connection: asyncpg.Connection) -> Proposal:
            return await read_proposal(connection, ident)

        found = with_connection(one)
        if json:
            emit(asdict(found))
            return
        print(f"Proposal {found.id}, {found.username}, {found.proposed_at:%Y-%m-%d %H:%M} UTC")
        print(found.why)
        print(found.outcome or "Nobody has decided yet.")
        for line in found.changes:
            print(f"  {line}")
        print(f"\n{found.markdown}")
        return

    async def every(connection: asyncpg.Connection) -> list[Listed]:
        return await read_proposals(connection)

    listed = with_connection(every)
    if json:
        emit({"proposals": [asdict(item) for item in listed]})
        return
    show_table(
        ["proposal", "by", "at (UTC)", "rules changed", "models", "decided", "why"],
        [
            [
                item.id, item.username, f"{item.proposed_at:%Y-%m-%d %H:%M}", item.changes,
                item.models or "as in force", item.outcome or "not yet", item.why,
            ]
            for item in listed
        ],
    )  # fmt: skip
