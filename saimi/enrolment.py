"""Gateways in the registry: enrolled, revoked, and the devices they announced given to somebody.

The registry decides what ingest takes; the broker's own rules are `broker_access`'s.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from core.database import REGISTRY_CHANNEL, Connection, gateway_changed, load_queries, translated
from core.errors import NotFoundError, RegistryError, UserError
from core.wire import MAX_NAME
from saimi.broker_access import ADMIN, DELIVER, INGEST

_OWN_NAMES = ("unknown", ADMIN, DELIVER, INGEST)


class NewDevice(NamedTuple):
    """A device as an operator writes it: `name:kind` or `name:kind:location`."""

    name: str
    kind: str
    location: str = ""

    @classmethod
    def parse(cls, text: str) -> NewDevice:
        """Take `text` apart; a name may hold colons (a Bluetooth address), a kind may not.

        Raises:
            UserError: it is none.
        """
        match = re.fullmatch(r"(.{1,64}?):([a-z_]{1,40})(?::([^:]{0,200}))?", text)
        if match is None or not match[1].isprintable():
            raise UserError(
                f"{text!r} is no device: write name:kind or name:kind:location, such as "
                "cuff:cuff or 0xa4c1:motion:hall."
            )
        return cls(match[1], match[2], match[3] or "")


class Enrolled(NamedTuple):
    """What an enrolment found or made."""

    new: bool
    new_home: bool
    credential: str | None
    """What the gateway was given before: password, certificate, or nothing yet."""


async def enrol(
    connection: Connection,
    name: str,
    *,
    home: str,
    area: str | None,
    devices: Sequence[NewDevice],
    now: datetime,
) -> Enrolled:
    """Register gateway, home and devices in one transaction; may be run again.

    New devices are the home's own until they are given to a client (`assign`, `registry import`).

    Raises:
        RegistryError: the name cannot be used, is another home's or revoked; the home is new and
            has no area, or not this one. Nothing is written.
    """
    _require_name(name, home)
    queries = load_queries("saimi")
    async with translated(), connection.transaction():
        await queries.lock_enrolment(connection)
        found = await queries.enrolled(connection, name=name)
        if found is not None and found["revoked_at"] is not None:
            raise RegistryError(
                f"Gateway {name!r} was revoked, and a revoked name stays shut, whoever still has "
                "its certificate: enrol it under another name."
            )
        if found is not None and found["home"] != home:
            raise RegistryError(
                f"Gateway {name!r} stands in home {found['home']!r} already: a gateway stays in "
                "one home; enrol this one under another name."
            )
        place, new_home = await _home(connection, home, area)
        if found is None:
            gateway = await queries.add_gateway(connection, name=name, home=place)
        else:
            gateway = found["id"]
        for device in devices:
            await _put_device(connection, gateway, device, None, 0, now)
        await _tell(connection, name)
    return Enrolled(found is None, new_home, found["credential"] if found else None)


async def note_credential(connection: Connection, name: str, credential: str) -> None:
    """Remember what kind of credential a gateway has; never the credential itself."""
    async with translated():
        await load_queries("saimi").note_credential(
            connection, gateway=(await _gateway(connection, name))["id"], credential=credential
        )


async def assign(
    connection: Connection,
    name: str,
    device: NewDevice,
    *,
    client: str | None,
    user_index: int,
    now: datetime,
) -> None:
    """Register a device of gateway `name` from `now`: a client's by reference, else the home's.

    Raises:
        NotFoundError: there is no such gateway, or no such client in its home.
        RegistryError: the device is somebody's already.
    """
    async with translated(), connection.transaction():
        await load_queries("saimi").lock_enrolment(connection)
        gateway = (await _gateway(connection, name))["id"]
        if not await _put_device(connection, gateway, device, client, user_index, now):
            raise RegistryError(
                f"Device {device.name!r} of gateway {name!r} is somebody's already: give it to "
                "another with `saimi reading` or `saimi registry import`, which keep its history."
            )
        await _tell(connection, name)


async def revoke(connection: Connection, name: str, *, reason: str, now: datetime) -> None:
    """From now on ingest takes nothing of gateway `name`. May be run again.

    Raises:
        NotFoundError: there is no such gateway.
        UserError: there is no reason.
    """
    if not reason.strip() or len(reason) > 500:
        raise UserError("Say why the gateway is revoked, in 1 to 500 characters (--reason).")
    async with translated(), connection.transaction():
        if not await load_queries("saimi").revoke(connection, name=name, reason=reason, now=now):
            raise _no_such(name)
        await _tell(connection, name)


async def _tell(connection: Connection, gateway: str) -> None:
    await load_queries("core").notify_registry_of(
        connection, channel=REGISTRY_CHANNEL, what=gateway_changed(gateway)
    )


async def list_gateways(connection: Connection) -> list[dict[str, Any]]:
    """All gateways with home, area, credential, revocation, when last heard, numbers of devices."""
    async with translated():
        return [dict(row) async for row in load_queries("saimi").gateways(connection)]


async def list_devices(connection: Connection, name: str) -> dict[str, list[dict[str, Any]]]:
    """The devices of gateway `name`: `registered`, and `announced`, which nobody has registered.

    Raises:
        NotFoundError: there is no such gateway.
    """
    queries = load_queries("saimi")
    async with translated():
        gateway = (await _gateway(connection, name))["id"]
        return {
            "registered": [
                dict(row) async for row in queries.registered_devices(connection, gateway=gateway)
            ],
            "announced": [
                dict(row) async for row in queries.announced_devices(connection, gateway=gateway)
            ],
        }


async def _home(connection: Connection, name: str, area: str | None) -> tuple[int, bool]:
    queries = load_queries("saimi")
    found = await queries.home_named(connection, name=name)
    if found is not None:
        if area is not None and area != found["area"]:
            raise RegistryError(
                f"Home {name!r} is in area {found['area']!r}, not {area!r}: leave --area out, or "
                "change the home with `saimi registry import`."
            )
        return found["id"], False
    if area is None:
        raise RegistryError(f"There is no home {name!r} yet: say in which area it is (--area).")
    number = await queries.area_coded(connection, code=area)
    if number is None:
        raise RegistryError(f"There is no area {area!r}: import it with `saimi registry import`.")
    added: int = await queries.add_home(
        connection, name=name, area=number, pseudonym=secrets.token_hex(12)
    )
    return added, True


async def _put_device(
    connection: Connection,
    gateway: int,
    device: NewDevice,
    client: str | None,
    user_index: int,
    now: datetime,
) -> bool:
    """Register a device; False if it has an owner already, who stays."""
    queries = load_queries("saimi")
    if client is None:
        subject = await queries.subject_of_home(connection, gateway=gateway)
    else:
        subject = await queries.client_of_home(connection, gateway=gateway, reference=client)
        if subject is None:
            raise NotFoundError(f"No client {client!r} lives in the home of this gateway.")
    number = await queries.put_device(connection, gateway=gateway, **device._asdict())
    await queries.no_longer_announced(connection, gateway=gateway, device=device.name)
    if await queries.has_owner(connection, device=number, user_index=user_index):
        return False
    await queries.give_owner(
        connection, device=number, user_index=user_index, subject=subject, now=now
    )
    return True


async def _gateway(connection: Connection, name: str) -> Any:
    found = await load_queries("saimi").enrolled(connection, name=name)
    if found is None or found["home"] is None:
        raise _no_such(name)
    return found


def _no_such(name: str) -> NotFoundError:
    return NotFoundError(f"There is no gateway {name[:MAX_NAME]!r}; see `saimi gateway list`.")


def _require_name(name: str, home: str) -> None:
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) is None or name in _OWN_NAMES:
        raise RegistryError(
            f"{name[:MAX_NAME]!r} cannot be a gateway's name: use 1 to 64 letters a-z, digits, "
            "'.', '_' and '-', and none of Saimi's own names."
        )
    if not 1 <= len(home) <= 200 or not home.isprintable():
        raise RegistryError("A home's name has 1 to 200 characters.")
