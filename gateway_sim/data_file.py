"""Files that say what is to happen (TOML): found by name or path, read, and faulted by file, line
and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from core.errors import UserError

T = TypeVar("T")
Problems = Iterator[tuple[str, str]]
"""A key such as `wave[0].areas`, and what is the matter with its value."""
MOST_BYTES = 1_000_000


class DataFile:
    """A file that was read, to complain about.

    Args:
        what: what such a file is called: "scenario", "fault file".
        shipped: the folder with those that come with Saimi; None: they have no names.
    """

    def __init__(self, name_or_path: str | Path, what: str, shipped: Path | None = None) -> None:
        """Read it: one that ships, by name, or any file.

        Raises:
            UserError: there is none of that name, or it cannot be read.
        """
        known = names_in(shipped) if shipped is not None else []
        wanted = str(name_or_path)
        self.path = Path(name_or_path)
        if shipped is not None and wanted in known:
            self.path = shipped / f"{wanted}.toml"
        try:
            with self.path.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
            self._text = raw.decode("utf-8")
        except (OSError, UnicodeDecodeError, ValueError):
            named = f"one of {', '.join(known)}, or " if known else ""
            raise UserError(
                f"There is no {what} {wanted!r}: name {named}a readable TOML file."
            ) from None
        if len(raw) > MOST_BYTES:
            raise UserError(
                f"{self.path} has more than {MOST_BYTES:,} bytes: no {what} is so long."
            )

    def convert(self, wanted: type[T], problems: Callable[[T], Problems]) -> T:
        """Its contents, checked by type and then by `problems`.

        Raises:
            UserError: something is wrong; names file, line and key.
        """
        try:
            found = msgspec.convert(tomllib.loads(self._text), wanted)
        except tomllib.TOMLDecodeError as error:
            raise UserError(f"{self.path} is not TOML: {error}.") from error
        except RecursionError:
            raise UserError(f"{self.path} is nested too deeply.") from None
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `$")
            unknown = re.search(r"unknown field `(\w+)`", message)
            key = place.strip("`.") + (f".{unknown[1]}" if unknown else "")
            raise self.mistake(key.strip("."), message) from error
        for key, problem in problems(found):
            raise self.mistake(key, problem)
        return found

    def mistake(self, key: str, problem: str) -> UserError:
        """One sentence on what is the matter with a key such as `wave[0].areas`."""
        line = line_of(self._text, key)
        where = f"{self.path}, line {line}" if line else f"{self.path}"
        return UserError(f"{where}: {key or 'the file'} cannot be used: {problem.rstrip('.')}.")


def names_in(shipped: Path) -> list[str]:
    """Names of the files that come with Saimi."""
    return sorted(path.stem for path in shipped.glob("*.toml"))


def unknown(key: str, given: Iterable[str], known: Iterable[str]) -> Problems:
    """Names that are not among those that are known."""
    for name in sorted(set(given) - set(known)):
        yield key, f"there is no {name!r} here, only {', '.join(sorted(known))}"


def line_of(text: str, key: str) -> int | None:
    """Where `illness[1].kind`, `wave[0].areas[2]`, `gateways.space` or `hours` stands in a file of
    tables and arrays of tables: its own line, else that of what holds it; None if neither does."""
    steps = [step.partition("[") for step in key.split(".") if step]
    if not steps:
        return None
    table, _, place = steps[0]
    in_array = len(steps) > 1 or place != ""
    wanted = int(place.rstrip("]")) if place else 0
    names = [name for name, _, _ in steps[1:]] if in_array else [table]
    current, seen, found = None if in_array else table, -1, None
    here = not in_array
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\[?\s*([\w.\"-]+)\s*\]\]?", line)
        if header:
            current = header[1]
            if in_array and current == table:
                seen += 1
                if seen == wanted:
                    found = number
            here = in_array and seen == wanted and current.split(".")[0] == table
            deeper = current.split(".")[1:] if here else []
            if deeper and deeper == names[: len(deeper)]:
                found = number
            continue
        if not here:
            continue
        for name in reversed(names):
            if re.match(rf"\s*\"?{re.escape(name)}\"?\s*=", line):
                return number
    return found
