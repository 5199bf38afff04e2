"""${message}"""

from core.migrations.steps import run_file

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
