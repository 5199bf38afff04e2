"""Users and their rights are changed by administrators, who see no client."""

from core.migrations.steps import run_file

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
