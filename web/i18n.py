"""Finnish, Swedish and English: gettext catalogues, and Babel for plurals, numbers and times.

The English text in the code is the key; `locale/<language>/*.po` hold the wording that people read,
one file an area of the pages. They are read as they are when the service starts: nothing to
compile, nothing to forget. A text without translation would show in English, so a test fails on any
gap.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.lists import format_list
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations

from core.clock import LOCAL

Language = Literal["fi", "sv", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: dict[Language, str] = {"fi": "Suomi", "sv": "Svenska", "en": "English"}
"""Each language in its own words, as a switch shows it."""
_LOCALES: dict[Language, str] = {"fi": "fi_FI", "sv": "sv_FI", "en": "en_GB"}
_LARGEST = 1e15
FOLDER = Path(__file__).with_name("locale")


def mark(text: str) -> str:
    """Mark a text for translation that is looked up later, from a table."""
    return text


@dataclass(frozen=True)
class Texts:
    """One language: its wording, and how it writes numbers and times."""

    language: Language
    locale: Locale
    translations: Translations

    def gettext(self, message: str, **values: object) -> str:
        """`message` in this language, `%(name)s` filled in."""
        found = str(self.translations.gettext(message))
        return found % values if values else found

    def ngettext(self, one: str, many: str, n: int, **values: object) -> str:
        """`one` or `many` in this language's plural for `n`; `%(n)s` is the number."""
        return str(self.translations.ngettext(one, many, n)) % {"n": self.number(n), **values}

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with exactly `decimals` decimals: 37,4 or 37.4."""
        if not abs(value) < _LARGEST:  # nothing measured; Babel cannot write it
            return f"{value:g}"
        return str(
            format_decimal(
                value, format="#,##0." + "0" * decimals if decimals else "#,##0", locale=self.locale
            )
        )

    def listing(self, items: Iterable[str]) -> str:
        """Several things after one another: a, b ja c."""
        return str(format_list(list(items), locale=self.locale))

    def time(self, at: datetime) -> str:
        """Hours and minutes, county time."""
        pattern = "HH:mm" if self.language == "en" else "H.mm"
        return str(format_time(at.astimezone(LOCAL), pattern, locale=self.locale))

    def date_time(self, at: datetime) -> str:
        """Weekday, day and time, county time."""
        pattern = {
            "fi": "EEE d.M. 'klo' H.mm",
            "sv": "EEE d.M. 'kl.' H.mm",
            "en": "EEE d MMM HH:mm",
        }[self.language]
        return str(format_datetime(at.astimezone(LOCAL), pattern, locale=self.locale))

    def day_and_time(self, at: datetime) -> str:
        """Day, month, year and time, county time."""
        pattern = {
            "fi": "d.M.y 'klo' H.mm",
            "sv": "d.M.y 'kl.' H.mm",
            "en": "d MMM y HH:mm",
        }[self.language]
        return str(format_datetime(at.astimezone(LOCAL), pattern, locale=self.locale))

    def day(self, day: date) -> str:
        """Weekday, day, month and year."""
        pattern = "cccc d MMMM y" if self.language == "en" else "cccc d.M.y"
        return str(format_date(day, pattern, locale=self.locale))

    def weekday(self, day: date) -> str:
        """Weekday, day and month, short."""
        pattern = "ccc d MMM" if self.language == "en" else "ccc d.M."
        return str(format_date(day, pattern, locale=self.locale))

    def moment(self, at: datetime, now: datetime) -> str:
        """The time alone if it is today's in the county, else with its day."""
        today = at.astimezone(LOCAL).date() == now.astimezone(LOCAL).date()
        return self.time(at) if today else self.date_time(at)

    def duration(self, length: timedelta) -> str:
        """How long, in its two largest units at most, rounded down: 1 t 5 min."""
        minutes = max(0, int(length.total_seconds() // 60))
        days, hours = minutes // 1440, minutes // 60 % 24
        if days:
            return self.gettext("%(days)s d %(hours)s h", days=days, hours=hours)
        if hours:
            return self.gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60)
        return self.gettext("%(minutes)s min", minutes=minutes)


def catalogue_of(language: Language) -> Catalog:
    """All of a language's wording.

    Raises:
        ValueError: a text stands in two files: there must be one place to correct it.
    """
    whole = Catalog(locale=_LOCALES[language])
    for path in sorted((FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=_LOCALES[language]):
                if not message.id:
                    continue
                if message.id in whole:
                    raise ValueError(f"{path.name} and another file hold {message.id!r}")
                whole[message.id] = message
    return whole


@cache
def texts(language: Language) -> Texts:
    """The texts of a language; read once."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue_of(language))
    compiled.seek(0)
    return Texts(language, Locale.parse(_LOCALES[language]), Translations(compiled))


def as_language(code: str | None) -> Language | None:
    """`code` if it is a language of ours."""
    return next((language for language in LANGUAGES if language == code), None)


def preferred(accept_language: str) -> Language:
    """The best of ours for an Accept-Language header (RFC 9110, 12.5.4); Finnish otherwise."""
    best: Language = "fi"
    best_weight = 0.0
    for part in accept_language.split(","):
        code, _, parameter = part.strip().partition(";")
        language = as_language(code.strip().lower()[:2])
        _, _, weight = parameter.partition("=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if language is not None and quality > best_weight:
            best, best_weight = language, quality
    return best
