"""The desk changes who is on duty when, on record."""

from core.migrations.steps import run_file

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
