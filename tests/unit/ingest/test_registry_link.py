"""What is told of the registry makes forgotten what it is about, and nothing else."""

from __future__ import annotations

import pytest

from core.clock import REAL_CLOCK
from core.database import PAUSES, ROTA, gateway_changed
from ingest.definitions import Definitions
from ingest.directory import Directory
from ingest.registry_link import RegistryLink

NAMES = [f"gw{number}" for number in range(300)]


@pytest.fixture
def directory() -> Directory:
    made = Directory()
    for name in NAMES:
        made.keep(name, None)
    return made


def link(directory: Directory) -> RegistryLink:
    return RegistryLink("postgresql:///none", REAL_CLOCK, directory, Definitions())


@pytest.mark.parametrize(
    ("told", "forgotten"),
    [(PAUSES, []), (ROTA, []), (gateway_changed("gw7"), ["gw7"]), ("", NAMES), ("?", NAMES)],
)
def test_of_a_change_what_it_is_about_is_read_again(
    directory: Directory, told: str, forgotten: list[str]
) -> None:
    link(directory)._changed(None, 1, "saimi_registry", told)
    assert directory.missing(NAMES) == forgotten


def test_what_was_not_told_is_found_in_turn(directory: Directory) -> None:
    once, seen = link(directory), set[str]()
    while len(seen) < len(NAMES):
        once._forget_part()
        part = directory.missing(NAMES)
        assert 0 < len(part) < 30
        assert seen.isdisjoint(part)
        seen.update(part)
        for name in part:
            directory.keep(name, None)
