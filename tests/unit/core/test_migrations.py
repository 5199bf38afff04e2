"""The migrations are one line: each follows the one before it, and is numbered so."""

from __future__ import annotations

import re
from pathlib import Path

import core.migrations.versions
from core.schema import REVISIONS

FOLDER = Path(core.migrations.versions.__file__).parent


def test_each_migration_follows_the_one_before_it() -> None:
    files = sorted(path for path in FOLDER.glob("*.py") if path.name != "__init__.py")
    before = "None"
    for number, path in enumerate(files, 1):
        text = path.read_text(encoding="utf-8")
        said = dict(re.findall(r'^(revision|down_revision)\b[^=\n]*= "?(\w+)"?$', text, re.M))
        assert path.name.startswith(f"{number:04d}_"), path.name
        assert said == {"revision": f"{number:04d}", "down_revision": before}, path.name
        before = said["revision"]
    assert before == REVISIONS[-1]
