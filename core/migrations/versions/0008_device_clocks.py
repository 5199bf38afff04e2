"""Device clocks: what is known of their offset."""

from core.migrations.steps import run_file

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
