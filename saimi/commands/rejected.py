"""`saimi rejected`: what could not be admitted, and another try after a fix."""

from __future__ import annotations

import typer

app = typer.Typer(help="Messages and readings that were not admitted.", no_args_is_help=True)
