"""What the models remember of each subject."""

from core.migrations.steps import run_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
