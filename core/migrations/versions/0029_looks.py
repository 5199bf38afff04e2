"""Looks made out of reach are put on record afterwards."""

from core.migrations.steps import run_file

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
