"""A migration that writes the rule of who may see whom anew must not forget a way of seeing."""

from __future__ import annotations

from pathlib import Path

import pytest

import core.migrations.versions

FOLDER = Path(core.migrations.versions.__file__).parent


@pytest.mark.parametrize(
    "way",
    [
        "registry.team_member",  # their own team's clients
        "registry.shift",  # those of the teams for which they are on duty
        "alerts.episode_event",  # those about whom they were called
        "care_relationship",
        "team_area",
        "disabled_at IS NULL",
    ],
)
def test_the_rule_in_force_has_every_way_of_seeing(way: str) -> None:
    scripts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.sql"))]
    defined = [text for text in scripts if "FUNCTION registry.visible_subjects" in text]
    body = defined[-1].partition("FUNCTION registry.visible_subjects")[2].partition("$$;")[0]
    assert way in body
