"""Pauses: a client is in hospital or away, or a home has guests."""

from core.migrations.steps import run_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
