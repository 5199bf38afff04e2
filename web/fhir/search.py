"""Search parameters, read strictly: what is not understood is refused and never passed over.

A filter that a server leaves out silently gives an answer that looks complete and is not. Only a
caller who asks for it (`Prefer: handling=lenient`) gets unknown parameters ignored, and is told so.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.catalogue import catalogue
from core.clock import LOCAL
from web.fhir.codes import CATEGORY, metrics_of_category, metrics_of_code
from web.fhir.outcome import FhirError

COUNT = 100
MOST = 1000
"""Resources on a page, where nothing is said and at most."""
LONGEST = timedelta(days=3660)
"""The longest range of dates: ten years, which is as long as readings are kept."""
_MOST_CODES = 50
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)", re.S)
_COMMON = frozenset(("_format", "_count", "_cursor"))


@dataclass(frozen=True)
class Span:
    """Moments from `since` on and before `until`; None: open."""

    since: datetime | None = None
    until: datetime | None = None


OPEN = Span()
"""Any time."""


@dataclass(frozen=True)
class Given:
    """The parameters of a request, those that are known alone."""

    values: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...] = field(default=())
    """Unknown ones, where the caller asked for leniency."""

    def all(self, *names: str) -> list[str]:
        """Every value under one of these names."""
        return [value for name, value in self.values if name in names]

    def one(self, *names: str) -> str | None:
        """The only value under one of these names.

        Raises:
            FhirError: there are several that differ.
        """
        found = sorted(set(self.all(*names)))
        if len(found) > 1:
            raise FhirError(
                f"{names[0]} is given more than once: give one value.", expression=names[0]
            )
        return found[0] if found else None


def read(pairs: Iterable[tuple[str, str]], known: frozenset[str], *, lenient: bool) -> Given:
    """The parameters that are `known` for this resource, and those common to all.

    Raises:
        FhirError: one that is not known, unless `lenient`; a value that is empty.
    """
    values, ignored = [], []
    for name, value in pairs:
        if name in known or name in _COMMON:
            if not value.strip():
                raise FhirError(f"{name} is empty: give a value, or leave it out.", expression=name)
            values.append((name, value.strip()))
        elif lenient:
            ignored.append(name[:64])
        else:
            offered = ", ".join(sorted(known | {"_count"}))
            raise FhirError(
                f"{name[:64]!r} is no search parameter here: there are {offered}. With the header "
                "Prefer: handling=lenient it would be ignored.",
                code="not-supported",
                expression=name[:64],
            )
    return Given(tuple(values), tuple(ignored))


def is_lenient(prefer: Iterable[str]) -> bool:
    """Whether Prefer headers ask for lenient handling (RFC 7240)."""
    wishes = {wish.strip().lower() for one in prefer for part in one.split(";")
              for wish in part.split(",")}  # fmt: skip
    return "handling=lenient" in wishes


def count(given: Given) -> int:
    """How many resources a page has.

    Raises:
        FhirError: not a number from 1 on.
    """
    text = given.one("_count")
    if text is None:
        return COUNT
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise FhirError(f"_count is a whole number from 1 to {MOST}.", expression="_count")
    return min(int(text), MOST)


def descending(given: Given) -> bool:
    """Whether the newest come first; only the date is sorted by.

    Raises:
        FhirError: another key.
    """
    text = given.one("_sort")
    if text not in (None, "date", "-date"):
        raise FhirError(
            "_sort is date (the oldest first) or -date (the newest first).",
            code="not-supported", expression="_sort",
        )  # fmt: skip
    return text != "date"


def identifier(text: str, system: str) -> str:
    """The value of an identifier token, `system|value` or `value`.

    Raises:
        FhirError: of another system.
    """
    own, bar, value = text.rpartition("|")
    if bar and own not in ("", system):
        raise FhirError(
            f"Saimi has no identifiers of the system {own[:64]!r}: {system} is its own.",
            code="not-found", expression="identifier",
        )  # fmt: skip
    return value


def patient(given: Given) -> str:
    """The pseudonym that `patient` or `subject` names.

    Raises:
        FhirError: none is named, or something else than a Patient.
    """
    text = given.one("patient", "subject")
    if text is None:
        raise FhirError(
            "Say whose: patient=<id>. Saimi shows one client at a time, since every look at a "
            "client's data is on record.",
            code="required", expression="patient",
        )  # fmt: skip
    return patient_id(text)


def patient_id(reference: str) -> str:
    """The id in `Patient/<id>` or `<id>`.

    Raises:
        FhirError: another resource, or an address elsewhere.
    """
    kind, slash, name = reference.rpartition("/")
    if slash and kind != "Patient":
        raise FhirError(
            f"{reference[:80]!r} is no Patient of this server: write Patient/<id>.",
            expression="patient",
        )
    return name


def metrics(given: Given) -> list[int] | None:
    """The metrics that `code` and `category` leave; None: all.

    Raises:
        FhirError: a code or category that Saimi knows nothing of.
    """
    found: set[str] | None = None
    for name in ("code", "combo-code", "category"):
        for value in given.all(name):
            tokens = value.split(",")
            if len(tokens) > _MOST_CODES:
                raise FhirError(f"{name} has over {_MOST_CODES} values.", expression=name)
            some = set().union(*(_token(name, one.strip()) for one in tokens))
            found = some if found is None else found & some
    return None if found is None else sorted(catalogue()[name].id for name in found)


def _token(name: str, text: str) -> frozenset[str]:
    system, bar, value = text.rpartition("|")
    if name == "category":
        found = metrics_of_category(value) if system in ("", CATEGORY) else frozenset()
        what = "category"
    else:
        found = metrics_of_code(system if bar else None, value)
        what = "code"
    if not found:
        raise FhirError(
            f"Saimi measures nothing with the {what} {text[:80]!r}: an empty answer would look as "
            "if the client had no such readings. The CapabilityStatement lists what there is.",
            code="code-invalid", expression=name,
        )  # fmt: skip
    return found


def dates(given: Given, now: datetime, name: str = "date") -> Span:
    """What every `date` allows together.

    Raises:
        FhirError: no date, backwards, or longer than LONGEST.
    """
    since: datetime | None = None
    until: datetime | None = None
    for text in given.all(name):
        one = span(text, name)
        if one.since is not None:
            since = one.since if since is None else max(since, one.since)
        if one.until is not None:
            until = one.until if until is None else min(until, one.until)
    return checked(Span(since, until), now, name)


def checked(one: Span, now: datetime, name: str) -> Span:
    """The span itself, if it is neither backwards nor longer than LONGEST.

    Raises:
        FhirError: it is.
    """
    since, until = one.since, one.until
    if since is not None and until is not None and since >= until:
        raise FhirError(
            f"The range of {name} ends before it begins, so nothing can lie in it: swap its ends.",
            expression=name,
        )
    if since is not None and (until or max(now, since)) - since > LONGEST:
        raise FhirError(
            f"The range of {name} is longer than ten years, and readings are kept no longer: "
            "ask for less.",
            code="too-costly", expression=name,
        )  # fmt: skip
    return one


def span(text: str, name: str = "date") -> Span:
    """One date with its prefix (http://hl7.org/fhir/R4/search.html#prefix).

    A day, month or year is all of it, as the county counts days. Raises:
        FhirError: no date, or a prefix that is not offered.
    """
    match = _PREFIXED.fullmatch(text)
    assert match is not None  # noqa: S101 - it matches anything
    prefix = match[1] or "eq"
    if prefix in ("ne", "ap"):
        raise FhirError(
            f"The prefix {prefix!r} is not offered: use eq, gt, ge, lt, le, sa or eb.",
            code="not-supported", expression=name,
        )  # fmt: skip
    low, high = _period(match[2], name)
    if prefix == "eq":
        return Span(low, high)
    if prefix in ("gt", "sa"):
        return Span(high, None)
    if prefix == "ge":
        return Span(low, None)
    return Span(None, high if prefix == "le" else low)


def _period(text: str, name: str) -> tuple[datetime, datetime]:
    """First moment of a date, and the first behind it."""
    # A plus sign in an address is read as a blank, and nobody means a blank in a date.
    match = _DATE.fullmatch(text.replace(" ", "+")) if len(text) <= 40 else None
    if match is None:
        raise FhirError(
            f"{text[:40]!r} is no date: write 2026-05-01 or 2026-05-01T12:00:00+03:00, with a "
            "prefix such as ge or lt before it.",
            expression=name,
        )
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        if not 1900 <= int(year) <= 2200:
            raise ValueError(year)
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=LOCAL)
        if hour is None:
            return start, _next(start, month, day)
        micro = int((fraction or "").ljust(6, "0")[:6])
        at = start.replace(hour=int(hour), minute=int(minute), second=int(second or 0),
                           microsecond=micro)  # fmt: skip
        if zone is not None:
            at = datetime.fromisoformat(at.replace(tzinfo=None).isoformat() + zone)
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FhirError(f"{text[:40]!r} is no moment of any day.", expression=name) from None
    length = timedelta(minutes=1) if second is None else timedelta(seconds=1)
    if fraction is not None:
        length = timedelta(microseconds=10 ** max(0, 6 - len(fraction)))
    return at, at + length


def _next(start: datetime, month: str | None, day: str | None) -> datetime:
    """Local midnight behind a year, a month or a day."""
    if month is None:
        return start.replace(year=start.year + 1)
    if day is None:
        days = calendar.monthrange(start.year, start.month)[1]
        return start + timedelta(days=days)
    return start + timedelta(days=1)
