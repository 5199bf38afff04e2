"""The table of safety cases names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "safety-cases.md").read_text(encoding="utf-8")


@cache
def named_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_safety_case_has_a_test_that_exists() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and "---" not in line]
    cases = [row for row in rows if not row.startswith("| what must hold")]
    assert len(cases) >= 40
    for row in cases:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert len(named) == 1, row
        path, name = named[0]
        assert name in named_in(path), row
