"""A home that wished for a call is told that somebody has taken it."""

from core.migrations.steps import run_file

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
