"""What a client's record must hold for rules to be safe, beside conditions and own limits.

Part of the registry document, and as it is in the database (`registry.client.record`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from core.errors import RegistryError

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Medicine = Literal["insulin", "sulfonylurea", "anticoagulant"]
CareLimit = Literal["palliative", "no_cpr", "no_transfer"]
Pathway = Literal["respiratory_infection"]
Role = Literal["next_of_kin", "neighbour", "key_holder", "guardian", "hospital"]
Phone = Annotated[str, Meta(pattern=r"^\+?[0-9 ]{3,20}$")]
Link = Annotated[str, Meta(pattern=r"^https://[^\s\"'<>]{1,500}$")]
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]

CONDITIONS = (
    "atrial fibrillation",
    "COPD",
    "heart failure",
    "hypertension",
    "pacemaker",
    "pregnancy",
)
"""Conditions that rules go by, in any case. Others are kept as they are written."""
_OTHERS = frozenset({"hypotension"})
"""Spelt almost as one of these, and no mistake."""


class _Part(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    pass


class CareLimits(_Part, frozen=True):
    """Limits of care that were agreed: they restrict clinical paging, never a call for help."""

    agreed: tuple[CareLimit, ...]
    agreed_by: Name
    """Who agreed it with the client."""
    agreed_on: date
    review_on: date
    """From then on they restrict nothing until they are agreed again."""


class OnPathway(_Part, frozen=True):
    """A time in which limits of a care pathway hold, both days included."""

    name: Pathway
    since: date
    until: date


class Dose(_Part, frozen=True):
    """A dose that a dispenser gives: when it is late enough for somebody to be told."""

    medicine: Name
    at: Clock
    """Local time."""
    window_minutes: Annotated[int, Meta(ge=0, le=1440)]
    critical: bool = False
    """Missing it harms soon: it calls somebody at once when its window is over."""


class OwnRule(_Part, frozen=True, rename={"raise_": "raise"}):
    """A rule as a clinician set it for this client; what is absent is as for everybody."""

    rule: Name
    set_by: Name
    enabled: bool | None = None
    raise_: dict[str, float] = {}
    lower: dict[str, float] = {}
    clear: dict[str, float] = {}
    limits: dict[str, float] = {}


class Contact(_Part, frozen=True):
    """Whom to call when the client does not answer."""

    role: Role
    name: Name
    phone: Phone


class Record(_Part, frozen=True):
    """The record."""

    oxygen_flow: Annotated[float, Meta(gt=0, le=60)] | None = None
    """Prescribed, L/min; the target range is the client's own limit of spo2."""
    medicines: tuple[Medicine, ...] = ()
    """Of those that change what a reading or a fall means."""
    usual_cognition: Annotated[str, Meta(max_length=500)] = ""
    """What is usual, so that confusion can be told to be new."""
    frail: bool = False
    care_limits: CareLimits | None = None
    pathways: tuple[OnPathway, ...] = ()
    doses: tuple[Dose, ...] = ()
    rules: tuple[OwnRule, ...] = ()
    contacts: tuple[Contact, ...] = ()
    """In the order in which they are called."""
    remote_visit: Link | None = None
    """Where a remote visit with the client takes place."""

    def on_pathway(self, name: Pathway, day: date) -> bool:
        """Whether a pathway's limits hold on a day."""
        return name in {one.name for one in self.pathways if one.since <= day <= one.until}

    def care_agreed(self, day: date) -> tuple[CareLimit, ...]:
        """The limits of care that hold on a day: none once their review is due."""
        care = self.care_limits
        if care is None:
            return ()
        return care.agreed if care.agreed_on <= day < care.review_on else ()


EMPTY = Record()


def check_record(where: str, record: Record, conditions: Iterable[str]) -> None:
    """Refuse a record that contradicts itself, and a condition that is misspelt.

    Raises:
        RegistryError: names what is wrong, and why.
    """
    known = {name.casefold(): name for name in CONDITIONS}
    for condition in conditions:
        if condition.casefold() in _OTHERS:
            continue
        near = difflib.get_close_matches(condition.casefold(), known, n=1, cutoff=0.85)
        if condition.casefold() not in known and near:
            raise RegistryError(
                f"{where} has the condition {condition!r}, which no rule knows: write "
                f"{known[near[0]]!r}."
            )
    care = record.care_limits
    if care is not None and care.review_on <= care.agreed_on:
        raise RegistryError(f"{where} has limits of care whose review is before their agreement.")
    if care is not None and not care.agreed:
        raise RegistryError(f"{where} has limits of care without any: leave them out.")
    for one in record.pathways:
        if one.until < one.since:
            raise RegistryError(f"{where} has a pathway that ends before it begins.")
    names = [one.rule for one in record.rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RegistryError(f"{where} has rule {twice!r} twice: keep one of them.")
