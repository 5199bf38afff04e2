"""Copies of calls for help: one may come by two ways."""

from core.migrations.steps import run_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
