"""The identity provider ends the sessions that began there (OpenID Connect Back-Channel Logout)."""

from core.migrations.steps import run_file

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
