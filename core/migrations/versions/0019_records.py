"""What a client's record must hold for rules to be safe."""

from core.migrations.steps import run_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
