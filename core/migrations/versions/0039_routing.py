"""Whom to call, how soon and by what is changed at the desk."""

from core.migrations.steps import run_file

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
