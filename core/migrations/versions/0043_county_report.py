"""The county's monthly report: the desk has the figures of the dashboard, and more."""

from core.migrations.steps import run_file

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
