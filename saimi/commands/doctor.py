"""`saimi doctor`: what is here, and what is wrong with it."""

from __future__ import annotations

import typer

from saimi.console import Json, emit


def doctor(json: Json = False) -> None:
    """Look at the installation, the database, the broker, the clock and the disk.

    Ends with status 2 if anything that was found is not well.
    """
    from saimi.examination import examine
    from saimi.running import run

    checks = run(lambda _stop: examine())
    well = all(check.ok for check in checks.values())
    if json:
        emit({"ok": well, **checks})
    else:
        for name, check in checks.items():
            print(f"{'ok  ' if check.ok else 'FAIL'}  {name.ljust(8)}  {check.text}")
    if not well:
        raise typer.Exit(2)
