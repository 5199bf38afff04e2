"""A migration that writes the rule of who may see whom anew must not forget a way of seeing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import core.migrations.versions

FOLDER = Path(core.migrations.versions.__file__).parent
DEFINES = re.compile(
    r"^CREATE (?:OR REPLACE )?(?:FUNCTION (registry\.\w+)\(.*?\$\$(.*?)\$\$;"
    r"|VIEW (registry\.\w+) AS(.*?);)",
    re.MULTILINE | re.DOTALL,
)


def in_force() -> dict[str, str]:
    """The latest body of every function and view of the registry."""
    scripts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.sql"))]
    return {
        function or view: body or query
        for text in scripts
        for function, body, view, query in DEFINES.findall(text)
    }


def spelled_out(name: str, bodies: dict[str, str]) -> str:
    """The body of this one with those of all that it is made of."""
    body = bodies[name]
    used = {word for word in re.findall(r"registry\.\w+", body) if word in bodies}
    return body + "".join(spelled_out(one, bodies) for one in sorted(used))


@pytest.mark.parametrize(
    "way",
    [
        "registry.team_member",  # their own team's clients
        "registry.shift",  # those of the teams for which they are on duty
        "alerts.episode_event",  # those about whom they were called
        "registry.broken_glass",  # whom they broke the glass for
        "care_relationship",
        "team_area",
        "disabled_at IS NULL",
    ],
)
def test_the_rule_in_force_has_every_way_of_seeing(way: str) -> None:
    assert way in spelled_out("registry.visible_subjects", in_force())
