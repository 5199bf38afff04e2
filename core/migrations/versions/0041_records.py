"""Each entry and look is labelled: of health care, or of social care."""

from core.migrations.steps import run_file

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
