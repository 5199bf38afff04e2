"""The made-up county that `saimi up` plays: registered, with a clock and with logins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from alerts.routing.rota import Rota, read_rota
from alerts.routing.rota_import import import_rota
from core.clock import LOCAL, ScaledClock
from core.database import Connection, connect, load_queries, set_clock, translated
from core.errors import UserError
from core.registry import Document
from core.registry_import import import_document
from gateway_sim.county import County
from gateway_sim.formats import as_told, formats_of
from gateway_sim.plan import Plan, keep_plan
from gateway_sim.scenario import load_scenario
from saimi.data_directory import DataDirectory, new_password
from saimi.members import add_member

HOMES = 12
"""How many homes a first `saimi up` plays."""
HISTORY = timedelta(hours=24)
"""What a new county has behind it, so that its trends are not empty. Homes send it only once."""


@dataclass(frozen=True)
class Login:
    """Somebody of the demo."""

    username: str
    display_name: str
    role: str
    password: str


@dataclass(frozen=True)
class Prepared:
    """What `saimi up` needs to know of the county."""

    county: County
    plan: Plan
    clock: ScaledClock
    logins: list[Login]


async def prepare_county(
    database_url: str,
    directory: DataDirectory,
    *,
    homes: int | None,
    seed: int,
    scenario: str,
    speed: float,
    ours: bool,
) -> Prepared:
    """Register the county, let the shared clock run `speed` times as fast, make the logins.

    `ours` says that the database is embedded in `directory`, so that nobody else uses it.

    Raises:
        UserError: the scenario cannot be used, or the database holds homes of somebody else.
    """
    story = await asyncio.to_thread(load_scenario, scenario)
    kept = await asyncio.to_thread(directory.read, "county.json")
    if kept.get("seed", str(seed)) != str(seed):
        raise UserError(
            f"{directory.path} holds the county of seed {kept['seed']}: choose another --data-dir "
            "for another county."
        )
    number = homes or int(kept.get("homes", HOMES))
    county = await asyncio.to_thread(County, seed, number)
    formats = formats_of(county, story.gateways.formats)
    connection = await connect(database_url)
    try:
        if not ours:
            await _refuse_foreign(connection, [home.name for home in county.homes])
        clock = await set_clock(connection, factor=speed)
        # Else its devices would be said to have been silent for years before they first spoke.
        first = (clock.now() - HISTORY).astimezone(LOCAL)
        first = first.replace(hour=0, minute=0, second=0, microsecond=0)
        document = as_told(county.document(in_use_since=first), formats)
        await import_document(connection, document, now=clock.now())
        await import_rota(connection, demo_rota(clock.now()), now=clock.now())
        logins = await _logins(connection, directory, document)
    finally:
        await connection.close()
    directory.write("county.json", {"seed": str(seed), "homes": str(number)})
    gateways = directory.path / "gateways"
    plan = await asyncio.to_thread(keep_plan, county, story, gateways, clock.now())
    return Prepared(county, plan, clock, logins)


def demo_rota(now: datetime) -> Rota:
    """The county's rota for a year; with yesterday, whose night shift goes on until morning."""
    rota = read_rota(Path(__file__).with_name("demo_rota.toml"))
    today = now.astimezone(LOCAL).date()
    return msgspec.structs.replace(
        rota, begins=today - timedelta(days=1), ends=today + timedelta(days=366)
    )


async def _refuse_foreign(connection: Connection, homes: list[str]) -> None:
    """The demo's clock and made-up people have no place among real ones."""
    async with translated():
        foreign = await load_queries("saimi").foreign_home(connection, homes=homes)
    if foreign is not None:
        raise UserError(
            f"The database holds homes that are not of this made-up county ({foreign!r}, say): "
            "`saimi up` plays its homes in a database of their own."
        )


async def _logins(
    connection: Connection, directory: DataDirectory, document: Document
) -> list[Login]:
    """Passwords are made up once, kept in the data directory, and set where they are missing."""
    passwords = await asyncio.to_thread(directory.read, "logins.json")
    async with translated():
        rows = [row async for row in load_queries("saimi").members(connection)]
    set_already = {row["username"] for row in rows if row["password"]}
    made = {member.username: new_password() for member in document.members}
    complete = made | passwords
    if complete != passwords:
        directory.write("logins.json", complete)
    for member in document.members:
        if member.username not in set_already or member.username not in passwords:
            await add_member(connection, member.username, password=complete[member.username])
    return [
        Login(member.username, member.display_name, member.role, complete[member.username])
        for member in document.members
    ]
