"""`saimi rules check`: whether a rule file can be put in force, and what it would change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from saimi.console import Json, emit

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
    from alerts.rules import read_rules
    from alerts.rules_changes import changes

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
