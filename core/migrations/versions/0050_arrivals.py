"""How many of a home's numbered messages are here, for whoever may see the client."""

from core.migrations.steps import run_file

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
