"""A month of the county's calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.clock import LOCAL

_FIRST_YEAR = 2000


@dataclass(frozen=True, order=True)
class Month:
    """A month by year and number, 1 to 12."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02}"

    @property
    def begins(self) -> datetime:
        """Its first midnight in the county."""
        return datetime(self.year, self.number, 1, tzinfo=LOCAL)

    @property
    def ends(self) -> datetime:
        """The midnight after its last day."""
        return self.moved(1).begins

    def moved(self, months: int) -> Month:
        """So many months later; earlier, if negative.

        >>> str(Month(2026, 1).moved(-1)), str(Month(2026, 12).moved(1))
        ('2025-12', '2027-01')
        """
        years, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(years, number + 1)


def month_of(at: datetime) -> Month:
    """The month in which a moment is, in the county."""
    local = at.astimezone(LOCAL)
    return Month(local.year, local.month)


def as_month(given: str, now: datetime) -> Month | None:
    """`2026-10` as a month that has begun; None: it is none."""
    year, _, number = given.partition("-")
    if not (given.isascii() and year.isdigit() and number.isdigit() and len(given) == 7):
        return None
    if not (1 <= int(number) <= 12 and int(year) >= _FIRST_YEAR):
        return None
    month = Month(int(year), int(number))
    return month if month <= month_of(now) else None
