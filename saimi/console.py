"""What a command says: one JSON object last on standard output, all else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
DATA_DIR_HELP = "Where everything is kept (default: SAIMI_DATA_DIR, else ./data)."


def emit(report: Any) -> None:
    """Print a report as one line of JSON on standard output."""
    print(msgspec.json.encode(report).decode(), flush=True)


def say(text: str) -> None:
    """Tell a person something, on standard error: standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows in columns on standard output."""
    texts = [list(columns), *([_text(value) for value in row] for row in rows)]
    widths = [max(len(row[n]) for row in texts) for n in range(len(columns))]
    for row in texts:
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )


def show_values(values: Mapping[str, Any]) -> None:
    """Print names and values, one a line, on standard output."""
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        print(f"{name.ljust(width)}  {_text(value)}")


def fraction(value: float | None) -> str:
    """0.934, or - where there is none."""
    return "-" if value is None else f"{value:.3f}"


def between(ends: tuple[float, float] | None) -> str:
    """0.901 … 0.966, or - where there is none."""
    return "-" if ends is None else f"{ends[0]:.3f} … {ends[1]:.3f}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items()) or "-"
    return str(value)


class Progress:
    """Where a long work stands; `reach` and `describe` are cheap enough to be called often."""

    def reach(self, done: float, total: float | None = None) -> None:
        """So many steps are done, of so many if that is known only now."""

    def describe(self, text: str) -> None:
        """What is being done now."""


class _Bar(Progress):
    def __init__(self, bar: Any, task: Any, total: float | None) -> None:
        self._bar, self._task, self._total = bar, task, total

    def reach(self, done: float, total: float | None = None) -> None:
        self._bar.update(self._task, completed=done, total=total or self._total)

    def describe(self, text: str) -> None:
        self._bar.update(self._task, description=text)


@contextmanager
def progress(description: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
    """A progress bar on standard error where that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bar(bars, bars.add_task(description, total=total), total)
