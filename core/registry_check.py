"""Whether a registry document agrees with itself; no database is needed to tell.

What it names but does not contain (an area registered earlier, say) is for the import to check.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from core.catalogue import catalogue
from core.errors import RegistryError
from core.record import check_record
from core.registry import LONGEST_PAUSE, Client, Device, Document, Home, Pause


def check_document(document: Document) -> None:
    """Refuse a document that contradicts itself.

    Raises:
        RegistryError: names the first entry that is wrong, and why.
    """
    _unique("area code", (area.code for area in document.areas))
    _unique("team", (team.name for team in document.teams))
    _unique("member", (member.username for member in document.members))
    _unique("home", (home.name for home in document.homes))
    _unique("gateway", (home.gateway for home in document.homes))
    _unique("client", (client.reference for home in document.homes for client in home.clients))
    for home in document.homes:
        for client in home.clients:
            _check_limits(client)
            check_record(f"Client {client.reference!r}", client.record, client.conditions)
            check_pauses(f"Client {client.reference!r}", client.pauses)
        check_pauses(f"Home {home.name!r}", home.pauses)
        _check_devices(home)


def _unique(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RegistryError(f"The document has {what} {name!r} twice: keep one of them.")
        seen.add(name)


def _check_limits(client: Client) -> None:
    where = f"Client {client.reference!r}"
    _unique(f"for client {client.reference!r} a limit of", (one.metric for one in client.limits))
    for limit in client.limits:
        if catalogue().get(limit.metric) is None:
            raise RegistryError(f"{where} has a limit of {limit.metric!r}, which is no metric.")
        if limit.low is None and limit.high is None:
            raise RegistryError(f"{where} has a limit of {limit.metric!r} without low and high.")
        if limit.low is not None and limit.high is not None and limit.low >= limit.high:
            raise RegistryError(
                f"{where} has a limit of {limit.metric!r} whose low ({limit.low:g}) is not below "
                f"its high ({limit.high:g})."
            )


def check_pauses(whose: str, pauses: Sequence[Pause]) -> None:
    """Refuse pauses of one subject that are none, or run into each other.

    Raises:
        RegistryError: names the first that is wrong, and why.
    """
    for pause in pauses:
        if pause.since.tzinfo is None or pause.until.tzinfo is None:
            raise RegistryError(
                f"{whose} has a {pause.kind} pause without time zone: write its times with Z, or "
                "with their offset."
            )
        if pause.until <= pause.since:
            raise RegistryError(f"{whose} has a {pause.kind} pause that ends before it begins.")
        if pause.until - pause.since > LONGEST_PAUSE:
            raise RegistryError(
                f"{whose} has a {pause.kind} pause of more than {LONGEST_PAUSE.days} days: let it "
                "end sooner, and set another one then if it is still needed."
            )
    ordered = sorted(pauses, key=lambda pause: (pause.kind, pause.since))
    for first, second in itertools.pairwise(ordered):
        if first.kind == second.kind and second.since < first.until:
            raise RegistryError(f"{whose} has two {first.kind} pauses at once: keep one of them.")


def _check_devices(home: Home) -> None:
    first: dict[str, Device] = {}
    owners: dict[tuple[str, int], Device] = {}
    for device in home.devices:
        where = f"Device {device.name!r} of home {home.name!r}"
        key = (device.name, device.user_index)
        if key in owners:
            raise RegistryError(
                f"{where} has two owners for user {device.user_index}: keep one entry, or give "
                "each person a user_index of their own."
            )
        owners[key] = device
        other = first.setdefault(device.name, device)
        if _nature(other) != _nature(device):
            raise RegistryError(
                f"{where} is described differently in two entries: kind, location and "
                "silent_after_minutes belong to the device, not to its users."
            )
        if not 0 <= device.user_index <= 255:
            raise RegistryError(f"{where} has user_index {device.user_index}: 0 to 255 are used.")
        if device.silent_after_minutes is not None and not 0 < device.silent_after_minutes <= 1e6:
            raise RegistryError(
                f"{where} has silent_after_minutes {device.silent_after_minutes:g}: it must be "
                "above 0; leave it out for a device that is used on demand."
            )
        if device.assigned_from is not None and device.assigned_from.tzinfo is None:
            raise RegistryError(
                f"{where} has an assigned_from without time zone: write it as "
                f"{device.assigned_from.isoformat()}Z, or with its offset."
            )


def _nature(device: Device) -> tuple[str, str, float | None]:
    return device.kind, device.location, device.silent_after_minutes
