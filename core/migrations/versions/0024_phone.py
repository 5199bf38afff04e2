"""The team's phone: actions applied once, visits, entered readings, members alone."""

from core.migrations.steps import run_file

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
