"""Causes above a home: areas and Saimi itself as subjects; gateways that an outage silences."""

from core.migrations.steps import run, run_file

revision = "0017"
down_revision = "0016"

_ALLOW = """
DO $$
DECLARE allowed text;
BEGIN
    SELECT pg_get_constraintdef(oid) INTO allowed FROM pg_constraint
     WHERE conrelid = 'alerts.episode_event'::regclass AND conname = 'episode_event_what_check';
    ALTER TABLE alerts.episode_event DROP CONSTRAINT episode_event_what_check;
    EXECUTE 'ALTER TABLE alerts.episode_event ADD CONSTRAINT episode_event_what_check '
            || replace(allowed, '''opened''::text', '''opened''::text, ''inhibited''::text');
END $$
"""
"""Whatever else is allowed by now stays allowed."""


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
    run(_ALLOW)
