"""Devices are assigned at the desk, and what was kept of them before goes to their owner."""

from core.migrations.steps import run_file

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
