"""Causes above a home: areas and Saimi itself as subjects; gateways that an outage silences."""

from core.migrations.steps import run_file

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
