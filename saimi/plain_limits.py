"""Plain thresholds: the same fixed limits for everybody, as a file of their own.

They run through the same rule as a client's own limits (alerts.assess.thresholds), and nothing else
does: that is what the engine is compared with.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from alerts.assess import thresholds
from alerts.backtest.history import History
from alerts.subjects.subject import Assess, Limit
from core.catalogue import catalogue
from core.errors import UserError

_SHIPPED = Path(__file__).with_name("limits")
TABLE: Mapping[str, Assess] = {"limits": thresholds.assess}
"""The only rule that is applied."""


class PlainLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one metric, in the catalogue's unit."""

    source: str
    low: float | None = None
    high: float | None = None


class PlainLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of plain thresholds."""

    description: str
    limits: dict[str, PlainLimit]

    def for_everybody(self, history: History) -> History:
        """The same history, in which these are everybody's own limits, and their only ones."""
        people = {
            number: replace(
                person,
                client=replace(
                    person.client,
                    limits={name: Limit(one.low, one.high) for name, one in self.limits.items()},
                ),
            )
            if person.client is not None
            else person
            for number, person in history.people.items()
        }
        return replace(history, people=people)


def shipped_limits(name: str) -> PlainLimits:
    """One of the files that come with Saimi: published, tight, tihm."""
    return read_limits(_SHIPPED / f"{name}.toml")


def read_limits(path: Path) -> PlainLimits:
    """Read a file of plain thresholds.

    Raises:
        UserError: it cannot be read, or a limit is wrong; says which.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        found = msgspec.convert(content, PlainLimits)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path} cannot be read as a file of limits: {error}.") from error
    except msgspec.ValidationError as error:
        raise UserError(f"{path} is no file of limits: {error}.") from error
    for name, one in found.limits.items():
        if name not in catalogue().by_name:
            raise UserError(f"{path}: there is no metric called {name!r}.")
        if one.low is None and one.high is None:
            raise UserError(f"{path}: {name} has neither low nor high.")
        if one.low is not None and one.high is not None and one.low >= one.high:
            raise UserError(f"{path}: of {name}, low must be below high.")
    return found
