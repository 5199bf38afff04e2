"""Reads routing values and refuses what contradicts itself, naming section, key and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Protocol, TypeVar

import msgspec
from msgspec import Meta

from alerts.finding import Severity
from alerts.routing.rota import ClockTime, Day, Name, day_name, in_utc
from core.clock import LOCAL
from core.errors import UserError

_T = TypeVar("_T")
SHIPPED = Path(__file__).with_name("routing.toml")
_LONGEST_MIN = 7 * 24 * 60
Minutes = Annotated[float, Meta(gt=0, le=_LONGEST_MIN)]
_LONGEST_HOLIDAYS = 15
"""Days that may follow one another without working hours, at most."""


Fault = Literal[
    "patience", "handover", "must_always_page", "emergency_waits", "slower_than_milder", "hours"
]
"""How values contradict each other: they fall in the order not reached, not seen, not acknowledged;
a handover is longer than a lease; what is urgent does not always page; an emergency waits for more
than ten minutes; something is slower than for what is milder; a day ends before it begins."""


class RoutingError(UserError):
    """The routing values cannot be used; says which, and on which line."""

    fault: Fault | None = None
    """How they contradict each other, where each by itself would do."""


class _Refuse(Protocol):
    """Says what is wrong with a key of a section, and raises a RoutingError."""

    def __call__(
        self, section: str, key: str, why: str, fault: Fault | None = None
    ) -> NoReturn: ...


class Urgency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How soon what happens, for one severity; minutes."""

    pages: Literal["always", "working_hours"]
    unreached_min: Minutes
    unseen_min: Minutes
    unacknowledged_min: Minutes
    remind_min: Minutes
    lease_min: Minutes
    handover_min: Minutes
    far_min: Minutes

    @property
    def lease(self) -> timedelta:
        return timedelta(minutes=self.lease_min)

    @property
    def handover(self) -> timedelta:
        return timedelta(minutes=self.handover_min)

    @property
    def remind(self) -> timedelta:
        return timedelta(minutes=self.remind_min)

    def patience(self, *, reached: bool, seen: bool) -> timedelta:
        """How long those who were called are waited for before the next are."""
        if seen:
            return timedelta(minutes=self.unacknowledged_min)
        return timedelta(minutes=self.unseen_min if reached else self.unreached_min)


class WorkingHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When what can wait is looked at; county time."""

    days: Annotated[list[Day], Meta(min_length=1)]
    start: ClockTime
    end: ClockTime

    def next(self, now: datetime) -> datetime:
        """`now` if it is within working hours, else when they begin next (UTC)."""
        local = now.astimezone(LOCAL)
        for ahead in range(_LONGEST_HOLIDAYS):
            day = local.date() + timedelta(days=ahead)
            if day_name(day) in self.days:
                start = in_utc(datetime.combine(day, time.fromisoformat(self.start)))
                if now < in_utc(datetime.combine(day, time.fromisoformat(self.end))):
                    return max(now, start)
        return now


class Neighbours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom of other teams to call."""

    most: Annotated[int, Meta(ge=0, le=20)]
    within_min: Minutes


class Travel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a way takes by car."""

    road_factor: Annotated[float, Meta(ge=1, le=3)]
    speed_kmh: Annotated[float, Meta(ge=10, le=120)]
    start_min: Annotated[float, Meta(ge=0, le=60)]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    service: Name
    severity: dict[str, dict[str, Any]]
    working_hours: WorkingHours
    neighbours: Neighbours
    travel: Travel


@dataclass(frozen=True, slots=True)
class Values:
    """Routing values that have passed every check."""

    service: str
    severity: dict[Severity, Urgency]
    working_hours: WorkingHours
    neighbours: Neighbours
    travel: Travel

    def of(self, severity: int) -> Urgency:
        """How urgent a severity is."""
        return self.severity[Severity(severity)]


@cache
def shipped_values() -> Values:
    """The values that ship with Saimi."""
    return parse_values(SHIPPED.read_text(encoding="utf-8"))


def parse_values(text: str, *, name: str = SHIPPED.name) -> Values:
    """Read routing values.

    Raises:
        RoutingError: a value is wrong; says which, and on which line.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RoutingError(f"{name} is not TOML: {error}.") from error
    return check_values(content, partial(_refuse, text, name))


def check_values(content: Any, refuse: _Refuse) -> Values:
    """The values of a document, as of routing.toml.

    Raises:
        RoutingError: whatever `refuse` makes of a value that is wrong.
    """
    file = _convert(refuse, "", content, _File)
    wanted = {severity.name.lower(): severity for severity in Severity}
    if odd := sorted(file.severity.keys() ^ wanted.keys()):
        refuse("severity", odd[0], f"there must be exactly {', '.join(wanted)}")
    values = {
        wanted[key]: _convert(refuse, f"severity.{key}", table, Urgency)
        for key, table in file.severity.items()
    }
    for severity, urgency in sorted(values.items()):
        _check(refuse, f"severity.{severity.name.lower()}", urgency)
        _check_order(refuse, severity, values)
    hours = file.working_hours
    if hours.start >= hours.end:
        refuse("working_hours", "end", "it must be after start", "hours")
    return Values(file.service, values, hours, file.neighbours, file.travel)


def _convert(refuse: _Refuse, section: str, content: Any, form: type[_T]) -> _T:
    try:
        return msgspec.convert(content, form)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        named = re.search(r"`(\w+)`", reason) if not path else None
        keys = re.sub(r"\[.*?\]", "", path.strip("`").removeprefix("$").strip(".")).split(".")
        table = ".".join(part for part in (section, *keys[:-1]) if part)
        key = keys[-1] or (named.group(1) if named else "")
        refuse(table, key, reason[:1].lower() + reason[1:])


def _check(refuse: _Refuse, section: str, urgency: Urgency) -> None:
    if not urgency.unreached_min <= urgency.unseen_min <= urgency.unacknowledged_min:
        refuse(
            section, "unseen_min",
            "unreached_min, unseen_min and unacknowledged_min must not fall, in this order",
            "patience",
        )  # fmt: skip
    if urgency.handover_min > urgency.lease_min:
        refuse(section, "handover_min", "it must not be longer than lease_min", "handover")


def _check_order(refuse: _Refuse, severity: Severity, values: Mapping[Severity, Urgency]) -> None:
    section, urgency = f"severity.{severity.name.lower()}", values[severity]
    if severity >= Severity.URGENT and urgency.pages != "always":
        refuse(section, "pages", 'what is urgent pages "always"', "must_always_page")
    if severity is Severity.EMERGENCY:
        for key in ("unseen_min", "unacknowledged_min", "remind_min"):
            if getattr(urgency, key) > 10:
                why = "an emergency waits for 10 minutes at most"
                refuse(section, key, why, "emergency_waits")
    if severity is Severity.REVIEW:
        return
    milder = values[Severity(severity - 1)]
    for key in (
        "unreached_min", "unseen_min", "unacknowledged_min", "remind_min", "lease_min",
        "handover_min", "far_min",
    ):  # fmt: skip
        if getattr(urgency, key) > getattr(milder, key):
            refuse(
                section, key,
                f"it must be no longer than that of {Severity(severity - 1).name.lower()}",
                "slower_than_milder",
            )  # fmt: skip


def _refuse(
    text: str, name: str, section: str, key: str, why: str, fault: Fault | None = None
) -> NoReturn:
    lines = text.splitlines()
    header = re.compile(rf"\s*\[{re.escape(section)}\]")
    start = next((n for n, line in enumerate(lines) if section and header.match(line)), 0)
    number = start
    for n in range(start + bool(section), len(lines)):
        if re.match(r"\s*\[", lines[n]):
            break
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[n]):
            number = n
            break
    where = f"{section}, " if section else ""
    error = RoutingError(
        f"{name}, line {number + 1}: {where}key {key}: {why}. Nothing of this file is in force: "
        "correct it."
    )
    error.fault = fault
    raise error
