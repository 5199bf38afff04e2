"""Packets that were committed and not acknowledged."""

from core.migrations.steps import run_file

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
