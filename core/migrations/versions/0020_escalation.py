"""Who is called when nobody acknowledges, and until when somebody has it."""

from core.migrations.steps import run_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
