"""Completeness by day, bounded gaps, bounded rejected messages."""

from core.migrations.steps import run_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
