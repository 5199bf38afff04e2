"""Make Grafana what it should be: an organisation for each area and one for the county, each with a
data source, a folder and dashboards; and nothing else is touched.

Saimi's own are organisations whose name begins with NAME, the data sources `saimi` and
`saimi-prometheus`, the folder `saimi`, and in it dashboards tagged `saimi` whose uid begins with
`saimi-`. What somebody else put into Saimi's organisations stays, and keeps them alive.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.database import Connection
from dashboards.boards import as_json, boards
from dashboards.links import Links
from dashboards.operations import PROMETHEUS_UID
from dashboards.postgres import DATASOURCE_TYPE, DATASOURCE_UID
from dashboards.roles import (
    PREFIX,
    Reader,
    drop_role,
    known_readers,
    make_role,
    note_organisation,
    wanted_readers,
)
from dashboards.server import FOLDER_UID, Document, Grafana
from dashboards.texts import Language, texts

NAME = "Saimi · "
_SECRETS = "secureJsonFields"


@dataclass(frozen=True)
class Wish:
    """How Grafana is to be."""

    database: str
    """Name of the database."""
    host: str
    """host:port of the database as Grafana reaches it."""
    sslmode: str
    language: Language = "fi"
    links: Links = field(default_factory=Links)
    prometheus_url: str | None = None
    prefix: str = PREFIX
    """Of the roles' names."""
    areas: frozenset[str] | None = None
    """Codes of those that have an organisation; None: all."""

    def organisation(self, reader: Reader) -> str:
        """Its name in Grafana."""
        return NAME + (reader.title or texts(self.language)["county"])

    def data_sources(self, reader: Reader) -> list[Document]:
        """As Grafana's API takes them, without the password."""
        made: list[Document] = [
            {
                "uid": DATASOURCE_UID,
                "name": "Saimi",
                "type": DATASOURCE_TYPE,
                "access": "proxy",
                "url": self.host,
                "user": reader.role,
                "isDefault": True,
                "jsonData": {
                    "database": self.database,
                    "sslmode": self.sslmode,
                    "postgresVersion": 1700,
                    "maxOpenConns": 10,
                },
            }
        ]
        if self.prometheus_url is not None and reader.audience == "county":
            made.append(
                {
                    "uid": PROMETHEUS_UID,
                    "name": "Prometheus",
                    "type": "prometheus",
                    "access": "proxy",
                    "url": self.prometheus_url,
                    "isDefault": False,
                }
            )
        return made

    def dashboards(self, reader: Reader) -> list[Document]:
        """As Grafana stores them."""
        made = boards(
            reader.audience,
            self.language,
            self.links,
            with_prometheus=self.prometheus_url is not None,
        )
        return [json.loads(as_json(board)) for board in made]


@dataclass
class Outcome:
    """What was done, or with `check` what would be."""

    version: str
    changes: list[str] = field(default_factory=list)
    """One line each: `create`, `update` or `remove`, and what."""
    warnings: list[str] = field(default_factory=list)


async def sync(connection: Connection, grafana: Grafana, wish: Wish, *, check: bool) -> Outcome:
    """Bring Grafana, and the database's roles for it, to what `wish` says.

    Raises:
        GrafanaError, ConflictError: Grafana refuses, is away, or of another version.
        DatabaseError: the database is away, or its user may not make roles.
    """
    outcome = Outcome(await asyncio.to_thread(grafana.require_version))
    there = await asyncio.to_thread(grafana.organisations)
    known = {one.role: one for one in await known_readers(connection)}
    wanted = [
        reader
        for reader in await wanted_readers(connection, prefix=wish.prefix)
        if wish.areas is None or reader.area is None or reader.area in wish.areas
    ]
    for reader in wanted:
        one = _Organisation(connection, grafana, wish, reader, outcome, check)
        old = known[reader.role].organisation if reader.role in known else None
        await one.bring_up_to_date(old, there, role_there=_is_there(known.get(reader.role)))
    names = {number: name for name, number in there.items()}
    for gone in known.values():
        if gone.role not in {reader.role for reader in wanted}:
            if gone.organisation in names and names[gone.organisation].startswith(NAME):
                await _remove(grafana, gone.organisation, names[gone.organisation], outcome, check)
            outcome.changes.append(f"remove role {gone.role}")
            if not check:
                await drop_role(connection, gone.role)
    return outcome


def _is_there(known: Any) -> bool:
    return known is not None and known.there


@dataclass
class _Organisation:
    """One organisation on its way to what it should be."""

    connection: Connection
    grafana: Grafana
    wish: Wish
    reader: Reader
    outcome: Outcome
    check: bool

    async def bring_up_to_date(
        self, known: int | None, there: dict[str, int], *, role_there: bool
    ) -> None:
        name = self.wish.organisation(self.reader)
        # By number where it is known, so that one that was renamed by Saimi's language stays.
        number = known if known in there.values() else there.get(name)
        if number is None:
            self.outcome.changes.append(f"create organisation {name}")
            self._all_is_new(name)
            if self.check:
                return
            number = await asyncio.to_thread(self.grafana.make_organisation, name)
        inside = self.grafana.of(number)
        quiet = known is None and name not in there
        await self._data_sources(inside, name, role_there=role_there, quiet=quiet)
        if not self.check and known != number:
            await note_organisation(self.connection, self.reader.role, number)
        await self._folder(inside, name, quiet=quiet)
        await self._dashboards(inside, name, quiet=quiet)

    def _all_is_new(self, name: str) -> None:
        for source in self.wish.data_sources(self.reader):
            self._note("create data source", source["uid"], name)
        self._note("create folder", FOLDER_UID, name)
        for board in self.wish.dashboards(self.reader):
            self._note("create dashboard", board["uid"], name)

    def _note(self, what: str, uid: str, name: str, *, quiet: bool = False) -> None:
        if not quiet:
            self.outcome.changes.append(f"{what} {uid} of {name}")

    async def _data_sources(
        self, inside: Grafana, name: str, *, role_there: bool, quiet: bool
    ) -> None:
        there = await asyncio.to_thread(inside.data_sources)
        for wanted in self.wish.data_sources(self.reader):
            uid = wanted["uid"]
            ours = uid == DATASOURCE_UID
            if uid in there:
                found = await asyncio.to_thread(inside.data_source, uid)
                same = _holds(found, wanted)
                if ours:
                    secret = found.get(_SECRETS, {}).get("password") is True
                    same = same and secret and role_there
                    # A password that the database does not know is seen by trying only.
                    same = same and await asyncio.to_thread(inside.unwell, uid) is None
                if same:
                    continue
            self._note(
                "update data source" if uid in there else "create data source",
                uid,
                name,
                quiet=quiet,
            )
            if self.check:
                continue
            await self._put(inside, wanted, exists=uid in there, ours=ours)
            if ours and (why := await asyncio.to_thread(inside.unwell, uid)) is not None:
                self.outcome.warnings.append(
                    f"Grafana cannot read the database for {name}: {why} (SAIMI_GRAFANA_DATABASE "
                    "is where Grafana looks for it)."
                )
        if PROMETHEUS_UID in there and PROMETHEUS_UID not in {
            one["uid"] for one in self.wish.data_sources(self.reader)
        }:
            self._note("remove data source", PROMETHEUS_UID, name)
            if not self.check:
                await asyncio.to_thread(inside.delete_data_source, PROMETHEUS_UID)

    async def _put(self, inside: Grafana, wanted: Document, *, exists: bool, ours: bool) -> None:
        if not ours:
            await asyncio.to_thread(inside.put_data_source, wanted, exists=exists)
            return
        # In one transaction: where Grafana refuses, the password stays the one that it has.
        async with self.connection.transaction():
            password = await make_role(self.connection, self.reader)
            document = {**wanted, "secureJsonData": {"password": password}}
            await asyncio.to_thread(inside.put_data_source, document, exists=exists)

    async def _folder(self, inside: Grafana, name: str, *, quiet: bool) -> None:
        found = (await asyncio.to_thread(inside.folders)).get(FOLDER_UID)
        if found is not None and found["title"] == "Saimi":
            return
        what = "create folder" if found is None else "update folder"
        self._note(what, FOLDER_UID, name, quiet=quiet)
        if not self.check:
            await asyncio.to_thread(inside.put_folder, "Saimi", exists=found is not None)

    async def _dashboards(self, inside: Grafana, name: str, *, quiet: bool) -> None:
        there = await asyncio.to_thread(inside.dashboards)
        wanted = {board["uid"]: board for board in self.wish.dashboards(self.reader)}
        for uid, board in wanted.items():
            version = None
            if uid in there:
                found = await asyncio.to_thread(inside.dashboard, uid)
                in_place = found.get("meta", {}).get("folderUid") == FOLDER_UID
                if in_place and _holds(found["dashboard"], board):
                    continue
                version = int(found["dashboard"]["version"])
            what = "create dashboard" if version is None else "update dashboard"
            self._note(what, uid, name, quiet=quiet)
            if not self.check:
                await asyncio.to_thread(inside.put_dashboard, board, version=version)
        for uid in _ours(there.values()):
            if uid not in wanted:
                self._note("remove dashboard", uid, name)
                if not self.check:
                    await asyncio.to_thread(inside.delete_dashboard, uid)


async def _remove(grafana: Grafana, number: int, name: str, outcome: Outcome, check: bool) -> None:
    """Take Saimi's things out of an organisation, and the organisation if nothing else is in it."""
    inside = grafana.of(number)
    boards_there = await asyncio.to_thread(inside.dashboards)
    sources = await asyncio.to_thread(inside.data_sources)
    folders = await asyncio.to_thread(inside.folders)
    ours = _ours(boards_there.values())
    others = (
        set(boards_there) - set(ours)
        | set(sources) - {DATASOURCE_UID, PROMETHEUS_UID}
        | set(folders) - {FOLDER_UID}
    )
    if not others:
        outcome.changes.append(f"remove organisation {name}")
        if not check:
            await asyncio.to_thread(grafana.delete_organisation, number)
        return
    outcome.warnings.append(f"{name} stays: it holds what is not Saimi's.")
    for uid in ours:
        outcome.changes.append(f"remove dashboard {uid} of {name}")
        if not check:
            await asyncio.to_thread(inside.delete_dashboard, uid)
    in_folder = {u for u, one in boards_there.items() if one.get("folderUid") == FOLDER_UID}
    if FOLDER_UID in folders and not in_folder - set(ours):
        outcome.changes.append(f"remove folder {FOLDER_UID} of {name}")
        if not check:
            await asyncio.to_thread(inside.delete_folder)
    for uid in (DATASOURCE_UID, PROMETHEUS_UID):
        if uid in sources:
            outcome.changes.append(f"remove data source {uid} of {name}")
            if not check:
                await asyncio.to_thread(inside.delete_data_source, uid)


def _ours(found: Any) -> Sequence[str]:
    """Of what the search found, the dashboards that are Saimi's."""
    return sorted(
        one["uid"]
        for one in found
        if one.get("folderUid") == FOLDER_UID
        and one["uid"].startswith("saimi-")
        and "saimi" in one.get("tags", ())
    )


def _holds(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there and unchanged. What Grafana adds to an object of its own
    accord is no difference; another element in a list is."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and _holds(found[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(_holds(one, other) for one, other in zip(found, wanted, strict=True))
        )
    return bool(found == wanted)
