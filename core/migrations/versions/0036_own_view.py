"""A client's own view: a login, who looked, what is measured, and a wish for a call."""

from core.migrations.steps import run_file

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
