"""Retention by class of record, holds, and the only way in which a client's data is erased."""

from core.migrations.steps import run_file

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
