"""What was proposed is decided on by somebody else, and is in force then."""

from core.migrations.steps import run_file

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
