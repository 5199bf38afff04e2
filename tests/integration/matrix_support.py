"""The matrix of rights: read from its table, and written into docs/rights.md."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ALLOWED, REFUSED, EMPTY = "+", "-", "o"
_FILE = Path(__file__).with_name("rights_matrix.toml")
_DOCS = Path(__file__).parents[2] / "docs" / "rights.md"
_BEGIN, _END = "<!-- matrix -->\n", "<!-- /matrix -->\n"
_SHOWN = {ALLOWED: "yes", REFUSED: "–", EMPTY: "without"}


@dataclass(frozen=True)
class Matrix:
    """`cells[endpoint][viewer]` is allowed, refused or answered without the client."""

    viewers: dict[str, str]
    rules: dict[str, dict[str, str]]
    endpoints: dict[str, str]
    elsewhere: dict[str, list[str]]
    """Endpoints by the file of tests that holds them to the same rights."""

    @property
    def cells(self) -> dict[str, dict[str, str]]:
        return {endpoint: self.rules[rule] for endpoint, rule in self.endpoints.items()}


def read_matrix() -> Matrix:
    """The table as written.

    Raises:
        ValueError: a row has another number of cells than there are viewers.
    """
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    viewers: dict[str, str] = table["viewers"]
    rules = {
        name: dict(zip(viewers, cells.split(), strict=True))
        for name, cells in table["rules"].items()
    }
    return Matrix(viewers, rules, table["endpoints"], table["elsewhere"])


def as_markdown(matrix: Matrix) -> str:
    """The matrix for people: what each rule gives whom, and which endpoints go by it."""
    lines = ["| who | " + " | ".join(matrix.rules) + " |", "|---" * (len(matrix.rules) + 1) + "|"]
    for viewer, text in matrix.viewers.items():
        cells = [_SHOWN[rule[viewer]] for rule in matrix.rules.values()]
        lines.append(f"| {text} | " + " | ".join(cells) + " |")
    lines += ["", "| rule | endpoints |", "|---|---|"]
    for name in matrix.rules:
        which = [f"`{one}`" for one, rule in matrix.endpoints.items() if rule == name]
        lines.append(f"| {name} | {', '.join(which)} |")
    for name, endpoints in matrix.elsewhere.items():
        which = [f"`{one}`" for one in endpoints]
        lines.append(f"| in `{name}` | {', '.join(which)} |")
    return "\n".join(lines) + "\n"


def in_docs() -> str:
    """What docs/rights.md says between its marks."""
    text = _DOCS.read_text(encoding="utf-8")
    return text.partition(_BEGIN)[2].partition(_END)[0]


def write_docs() -> None:
    """Bring docs/rights.md up to the table: `python -m tests.integration.matrix_support`."""
    text = _DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    _DOCS.write_text(before + _BEGIN + as_markdown(read_matrix()) + _END + after, encoding="utf-8")


if __name__ == "__main__":
    write_docs()
