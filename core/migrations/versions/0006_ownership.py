"""Whose readings are: held ones, corrections with a reason."""

from core.migrations.steps import run_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
