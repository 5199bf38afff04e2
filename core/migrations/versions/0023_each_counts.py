"""A note says whether each of its readings counts for the alert engine."""

from core.migrations.steps import run_file

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
