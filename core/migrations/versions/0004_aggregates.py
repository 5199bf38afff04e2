"""Hourly and daily aggregates and the queue of what is to be brought up to date."""

from core.migrations.steps import run_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
