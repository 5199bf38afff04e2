"""What is to be said to people outside, by which channels, and what became of it."""

from core.migrations.steps import run_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
