"""Taking a registry document over into the database: all of it, or nothing.

Set by set through temporary tables, so that a county of 20,000 homes takes seconds. What is there
is updated, what is new is added, nothing is removed. A home and each client get a subject with a
random pseudonym when they first appear and keep it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from core.catalogue import catalogue
from core.clock import wall_time
from core.database import REGISTRY_CHANNEL, Connection, load_queries, translated
from core.errors import RegistryError
from core.registry import Document
from core.registry_check import check_document


@dataclass(frozen=True)
class ImportReport:
    """What an import did, in entries."""

    entries: dict[str, int]
    """In the document: areas, teams, members, homes, clients, devices."""
    added: dict[str, int]
    """Of these, not registered before."""
    reassigned: int
    """Devices that have another owner than before."""


async def import_document(
    connection: Connection, document: Document, *, now: datetime
) -> ImportReport:
    """Take `document` over in one transaction and wake whoever caches the registry.

    A device that is new is assigned from its `assigned_from` (absent: `now`); one that has another
    owner than before goes to the new one from `now`, and what it measured until then stays the old
    owner's. `connection` is one of `core.database`'s; `now` is aware.

    Raises:
        RegistryError: an entry contradicts the document or the registry; nothing is written.
        DatabaseError: the database refused or is away; nothing is written.
    """
    check_document(document)
    queries = load_queries("core")
    async with translated(), connection.transaction():
        await queries.lock_registry(connection)
        await queries.create_import_tables(connection)
        for table, rows in _tables(document).items():
            await connection.copy_records_to_table(table, records=rows)
        await queries.analyze_import_tables(connection)
        await _check_references(connection)

        await queries.create_import_plans(connection)
        added: dict[str, int] = {}
        added["areas"] = _new(await _rows(queries.import_areas(connection)))
        added["teams"] = _new(await _rows(queries.import_teams(connection)))
        await _rows(queries.import_team_areas(connection))
        added["members"] = _new(await _rows(queries.import_members(connection)))
        await _rows(queries.import_team_members(connection))
        added["homes"] = _new(await _rows(queries.import_homes(connection)))
        await _rows(queries.import_home_subjects(connection))
        await _rows(queries.import_client_subjects(connection))
        added["clients"] = _new(await _rows(queries.import_clients(connection)))
        await queries.import_records(connection)
        await _rows(queries.import_moves(connection))
        await _rows(queries.import_limits(connection, now=now))
        await queries.note_imported_plans(connection, now=now, wall=wall_time())
        await _rows(queries.import_care_relationships(connection, now=now))
        await queries.import_pauses(connection, now=now)
        await _rows(queries.import_gateways(connection))
        added["devices"] = _new(await _rows(queries.import_devices(connection)))

        await queries.create_import_owners(connection)
        changed = await _rows(queries.import_owners_ahead(connection, now=now))
        changed += await _rows(queries.import_owners_before(connection, now=now))
        await _rows(queries.import_owners_from(connection, now=now))
        await queries.notify_registry(connection, channel=REGISTRY_CHANNEL)
    return ImportReport(_entries(document), added, len(changed))


async def _rows(answer: Any) -> list[Any]:
    """What a query returns; aiosql gives an async generator for `SELECT`-like queries."""
    return [row async for row in answer] if hasattr(answer, "__aiter__") else list(await answer)


def _new(rows: Iterable[Any]) -> int:
    return sum(1 for row in rows if row["added"])


def _entries(document: Document) -> dict[str, int]:
    return {
        "areas": len(document.areas),
        "teams": len(document.teams),
        "members": len(document.members),
        "homes": len(document.homes),
        "clients": sum(len(home.clients) for home in document.homes),
        "devices": sum(len({device.name for device in home.devices}) for home in document.homes),
    }


async def _check_references(connection: Connection) -> None:
    queries = load_queries("core")
    if row := await queries.import_unknown_area(connection):
        raise RegistryError(
            f"{row['what']} {row['name']!r} names area {row['area']!r}, which is neither in the "
            "document nor registered."
        )
    if row := await queries.import_shared_identity(connection):
        raise RegistryError(
            f"The identity {row['identity']!r} of member {row['username']!r} is another member's "
            "too (who names none has the username): give each their own."
        )
    if row := await queries.import_unknown_member(connection):
        raise RegistryError(
            f"Team {row['team']!r} names member {row['username']!r}, who is neither in the "
            "document nor registered."
        )
    if row := await queries.import_unknown_team(connection):
        raise RegistryError(
            f"Client {row['client']!r} names team {row['team']!r}, which is neither in the "
            "document nor registered."
        )
    if row := await queries.import_foreign_gateway(connection):
        raise RegistryError(
            f"Gateway {row['gateway']!r} of home {row['home']!r} "
            + (
                f"is registered in home {row['other']!r} already: a gateway stays in one home."
                if row["other"]
                else "has a name that Saimi keeps for gateways nobody knows: choose another."
            )
        )
    if row := await queries.import_foreign_client(connection):
        raise RegistryError(
            f"Device {row['device']!r} of home {row['home']!r} measures client {row['client']!r}, "
            + (f"who lives in home {row['other']!r}." if row["other"] else "whom nobody knows.")
        )
    if row := await queries.import_overlapping_pause(connection):
        raise RegistryError(
            f"{row['what']} {row['name']!r} has a {row['kind']} pause from {row['since']:%F %R} to "
            f"{row['until']:%F %R} UTC already: end that one, or let the other begin after it."
        )
    if row := await queries.import_left_behind(connection):
        raise RegistryError(
            f"Client {row['client']!r} moves to home {row['home']!r}, but device {row['device']!r} "
            f"of home {row['other']!r} still measures them: say in the document whose it is now."
        )


def _tables(document: Document) -> dict[str, list[tuple[Any, ...]]]:
    """The document as rows of the temporary tables (columns as in `registry.sql`)."""
    homes, teams = document.homes, document.teams
    clients = [(home, client) for home in homes for client in home.clients]
    devices = [(home, device) for home in homes for device in home.devices]
    metrics = catalogue()
    return {
        "import_area": [
            (area.code, area.name, area.latitude, area.longitude) for area in document.areas
        ],
        "import_team": [
            (team.name, team.service, team.base or next(iter(team.areas), None)) for team in teams
        ],
        "import_team_area": [(team.name, area) for team in teams for area in team.areas],
        "import_member": [
            (one.username, one.display_name, one.role, one.language, one.identity)
            for one in document.members
        ],
        "import_team_member": [(team.name, name) for team in teams for name in team.members],
        "import_home": [
            (
                home.name,
                home.area,
                home.gateway,
                home.address,
                home.latitude,
                home.longitude,
                home.access,
                home.door_code,
                list(dict.fromkeys(home.hazards)),
                _pseudonym(),
            )
            for home in homes
        ],
        "import_client": [
            (
                client.reference,
                home.name,
                client.given_name,
                client.family_name,
                client.born,
                client.phone,
                client.language,
                client.spo2_scale,
                client.oxygen_prescribed,
                client.conditions,
                client.limits_of_care,
                _pseudonym(),
            )
            for home, client in clients
        ],
        "import_record": [
            (client.reference, msgspec.json.encode(client.record).decode()) for _, client in clients
        ],
        "import_limit": [
            (client.reference, metrics[limit.metric].id, limit.low, limit.high)
            for _, client in clients
            for limit in client.limits
        ],
        "import_care": [
            (client.reference, team)
            for _, client in clients
            for team in dict.fromkeys(client.teams)
        ],
        "import_pause": [
            (None, home.name, pause.kind, pause.since, pause.until)
            for home in homes
            for pause in home.pauses
        ]
        + [
            (client.reference, None, pause.kind, pause.since, pause.until)
            for _, client in clients
            for pause in client.pauses
        ],
        "import_device": list(
            {
                (home.gateway, device.name): (
                    home.gateway,
                    device.name,
                    device.kind,
                    device.location,
                    _minutes(device.silent_after_minutes),
                )
                for home, device in devices
            }.values()
        ),
        "import_assignment": [
            (
                home.name,
                home.gateway,
                device.name,
                device.user_index,
                device.subject,
                device.assigned_from,
            )
            for home, device in devices
        ],
    }


def _minutes(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(minutes=value)


def _pseudonym() -> str:
    """96 random bits: telemetry knows a client by it, and nobody can guess another's."""
    return secrets.token_hex(12)
