"""Rights enforced by the database: who is asking, whom they may see, and the web's own roles."""

from core.migrations.steps import require_role, run_file
from core.roles import LOGIN, WEB

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Apply the SQL beside this file, in the order in which one needs the other."""
    require_role(WEB)
    require_role(LOGIN)
    for part in ("caller", "sight", "policies", "views", "grants"):
        run_file(__file__, part)
