"""Observations in: each goes through the admission that a gateway's message goes through.

What is posted is read, admitted and stored by ingest (`Admit`, which the command line connects:
web and ingest do not know one another). Here it is only found out whose gateway and device it is,
and that whom it is about is in the caller's care.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from core.database import Connection
from web.fhir.codes import DEVICE
from web.fhir.observation import Key, group
from web.fhir.outcome import FhirError, issue, outcome
from web.fhir.search import patient_id
from web.fhir.store import cares_for, devices, gateway_of, patients

MAX_BODY = 4 * 1024 * 1024
"""Bytes; as much as ingest takes of a Bundle."""
MOST_ENTRIES = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Posted:
    """One Observation on its way in."""

    gateway: str
    payload: bytes
    """The resource, its device named as its gateway names it."""
    subject: int
    """Whose it must be."""


@dataclass(frozen=True)
class Taken:
    """What became of one Observation."""

    stored: tuple[tuple[int, int, int], ...] = ()
    """(metric, device, microseconds since 1970) of each reading that is in the database now."""
    new: int = 0
    """How many of these were not there before."""
    conflicts: int = 0
    """Readings of a device, metric and moment for which another value is stored."""
    refused: tuple[tuple[str, str], ...] = ()
    """(code, sentence) of each reading that was not admitted."""


Mode = Literal["each", "all", "calls"]
"""Each for itself; all or none; of those that fail together, calls for help alone. A call in a
transaction that fails is stored nonetheless: it reaches people, whatever came along with it."""
Admit = Callable[[Sequence[Posted], Mode], Awaitable[list[Taken]]]
"""Admit and store, and what became of each."""


def parse(body: bytes) -> dict[str, Any]:
    """A resource out of a request.

    Raises:
        FhirError: no JSON object with a resourceType.
    """
    try:
        told = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise FhirError("This is no JSON: FHIR R4 in JSON is taken.", code="structure") from None
    if not isinstance(told, dict) or not isinstance(told.get("resourceType"), str):
        raise FhirError("This is no FHIR resource: it has no resourceType.", code="structure")
    return told


async def posted(connection: Connection, told: Any, only: str | None, *, now: datetime) -> Posted:
    """An Observation made ready for admission.

    Raises:
        FhirError: it is none, of a client or device that the caller does not see, or of a client
            who is not in the caller's care.
    """
    if not isinstance(told, dict) or told.get("resourceType") != "Observation":
        raise FhirError("Only Observations are taken in.", status=422, code="not-supported")
    subject = told.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(reference, str) or not reference:
        raise FhirError(
            "The Observation says not whose it is: subject.reference is Patient/<id>.",
            status=422, code="required", expression="Observation.subject",
        )  # fmt: skip
    pseudonym = patient_id(reference)
    rows = [] if "\0" in pseudonym else await patients(connection, pseudonym=pseudonym)
    if not rows or (only is not None and pseudonym != only):
        raise FhirError(
            "There is no such Patient that you may see, so nothing was stored.",
            status=404, expression="Observation.subject",
        )  # fmt: skip
    number = rows[0]["id"]
    if not await cares_for(connection, number):
        raise FhirError(
            "Readings are stored only for whoever has this client in their care now, as a member "
            "of the client's team: to see the client is not enough.",
            status=403, expression="Observation.subject",
        )  # fmt: skip
    named = told.get("device")
    if named is None:
        gateway = await gateway_of(connection, number)
        if gateway is None:
            raise FhirError(
                "The client's home has no gateway in use, under which it could be stored.",
                status=422, expression="Observation.device",
            )  # fmt: skip
        whole = dict(told) | {"subject": {"reference": f"Patient/{pseudonym}"}}
    else:
        gateway, device = await _device(connection, named, now)
        whole = dict(told) | {"device": {"identifier": {"value": device}}}
    return Posted(gateway, msgspec.json.encode(whole), number)


async def _device(connection: Connection, named: Any, now: datetime) -> tuple[str, str]:
    """Gateway and name of the device that an Observation names, by identifier or by reference."""
    told = named if isinstance(named, dict) else {}
    identifier, reference = told.get("identifier"), told.get("reference")
    rows = []
    if isinstance(identifier, dict) and identifier.get("system") == DEVICE:
        gateway, slash, name = str(identifier.get("value")).partition("/")
        if slash and "\0" not in gateway + name:
            rows = await devices(connection, now=now, named=(gateway, name))
    elif isinstance(reference, str):
        kind, _, number = reference.rpartition("/")
        if kind in ("", "Device") and number.isascii() and number.isdigit() and len(number) < 10:
            rows = await devices(connection, now=now, device=int(number))
    if not rows:
        raise FhirError(
            "The Observation names no device of a client whom you may see: give device.reference "
            f"Device/<id>, or device.identifier of the system {DEVICE} with <gateway>/<device>.",
            status=422, code="not-found", expression="Observation.device",
        )  # fmt: skip
    return rows[0]["gateway"], rows[0]["name"]


def status_of(taken: Taken) -> int:
    """The HTTP status that says what became of one Observation."""
    if taken.new:
        return 201
    if taken.conflicts:
        return 409
    return 200 if taken.stored else 422


def location_of(taken: Taken) -> str | None:
    """Where it is to be found now, below the API."""
    if not taken.stored:
        return None
    metric, device, at = taken.stored[0]
    return f"Observation/{Key(_EPOCH + timedelta(microseconds=at), device, group(metric)).id}"


def outcome_of(taken: Taken) -> dict[str, Any]:
    """What became of it, in words."""
    kept = bool(taken.stored)
    issues = [
        issue(
            sentence,
            "code-invalid" if code in ("unknown_metric", "unknown_code", "wrong_unit") else "value",
            severity="warning" if kept else "error",
        )
        for code, sentence in taken.refused
    ]
    if taken.conflicts:
        issues.append(
            issue(
                "Another value is stored for the same device, code and time; it stays, and this "
                "one is kept with the rejected.",
                "conflict", severity="warning" if kept else "error",
            )
        )  # fmt: skip
    if not issues and not kept:
        issues.append(issue("There is no value in it, so there was nothing to store.", "required"))
    if not issues:
        said = "Stored." if taken.new else "It was stored before; nothing was changed."
        issues.append(issue(said, "informational", severity="information"))
    return outcome(*issues)
