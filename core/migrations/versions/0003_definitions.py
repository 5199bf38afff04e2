"""What sources have told of how to read their messages."""

from core.migrations.steps import run_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
