"""What people change at the desk: on record for good, and only by whoever may."""

from core.migrations.steps import run_file

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
