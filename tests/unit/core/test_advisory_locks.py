"""Advisory locks are one space for the whole database: a number names one thing.

Two that share a number by mistake wait for one another, or, where a lock is only tried, skip their
turn without a word.
"""

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("alerts", "core", "dashboards", "ingest", "models", "saimi", "web")

# A number of one argument; of two (`pg_advisory_lock(space, what)`) is a space apart.
_IN_SQL = re.compile(r"pg_(?:try_)?advisory_(?:xact_)?lock(?:_shared)?\((72\d{5})\)")
_TAKEN_AS_A_TURN = re.compile(
    r"pg_try_advisory_(?:xact_)?lock\((72\d{5})\)|^TURN = (72\d{5})$", re.MULTILINE
)


def places(pattern: re.Pattern[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*")):
            if file.suffix in {".py", ".sql"}:
                for match in pattern.finditer(file.read_text()):
                    number = next(group for group in match.groups() if group)
                    found[number].add(str(file.relative_to(ROOT)))
    return found


def test_a_turn_that_is_only_tried_has_a_number_of_its_own() -> None:
    turns = places(_TAKEN_AS_A_TURN)
    waited_for = places(_IN_SQL)
    assert len(turns) >= 3
    for number, files in turns.items():
        assert len(files | waited_for.get(number, set())) == 1, (number, files)
