"""The desk asks for other numbers of a rule; a judge replays history by them."""

from core.migrations.steps import run_file

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
