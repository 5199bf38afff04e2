"""Whose readings other systems may bring."""

from core.migrations.steps import run_file

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
