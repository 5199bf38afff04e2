"""TIHM's tables as files: CSV, plain or gzipped, columns in any order."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from core.errors import UserError


@contextmanager
def open_table(
    directory: Path, name: str, columns: tuple[str, ...]
) -> Iterator[Iterator[list[str]]]:
    """The rows of a table, each with the values of `columns` in that order.

    A ValueError raised while a row is worked on counts as that row's fault.

    Raises:
        UserError: there is no such table, it has not these columns, or a row cannot be read
            (names file and line).
    """
    path = directory / f"{name}.csv.gz"
    if not path.exists():
        path = directory / f"{name}.csv"
    try:
        with _text(path) as text:
            reader = csv.reader(text)
            try:
                given = next(reader, [])
                if sorted(set(given) & set(columns)) != sorted(columns) or len(given) != len(
                    set(given)
                ):
                    raise UserError(
                        f"{path} is not TIHM's {name}: its first line has to be "
                        f"{','.join(columns)}, in any order."
                    )
                yield reader if tuple(given) == columns else _in_order(reader, given, columns)
            except (ValueError, csv.Error) as error:
                raise UserError(
                    f"{path}, line {reader.line_num}, cannot be read: {error}."
                ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(
            f"{path} cannot be read ({error.__class__.__name__}): {directory} has to be a folder "
            f"with TIHM's {name}.csv, plain or gzipped."
        ) from error


def _in_order(
    reader: Iterator[list[str]], given: list[str], columns: tuple[str, ...]
) -> Iterator[list[str]]:
    places = [given.index(column) for column in columns]
    for row in reader:
        if len(row) != len(given):
            raise ValueError(f"{len(row)} values where the first line has {len(given)}")
        yield [row[place] for place in places]


def _text(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
