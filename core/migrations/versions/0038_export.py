"""All that is held about one client, for them to take along."""

from core.migrations.steps import run_file

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
