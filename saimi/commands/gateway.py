"""`saimi gateway`: gateways enrolled and revoked, their devices, and the broker they come to."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import NotFoundError, UserError
from saimi.console import Json, emit, say, show_table, show_values

if TYPE_CHECKING:
    import asyncpg

_PROOF = ("expected", "received", "missing", "gaps", "percent", "late_below", "unnumbered")
_SHOWN = 5  # gaps in a line of a table
app = typer.Typer(help="Gateways: enrol, revoke, list, their devices.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The gateway, as in its topics: A-Z a-z 0-9 . _ -")]


@app.command()
def enrol(
    name: Name,
    home: Annotated[str, typer.Option(help="Name of the home it stands in.")],
    area: Annotated[str | None, typer.Option(help="Area code, if the home is new.")] = None,
    device: Annotated[
        list[str] | None, typer.Option(help="name:kind[:location]; may be given again.")
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="Folder for a client certificate and key, instead of a password."),
    ] = None,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Replace the password it has.")
    ] = False,
    bridge: Annotated[
        Path | None, typer.Option(help="Write the configuration of the home's Mosquitto there.")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="host:port of the broker, for --bridge.")
    ] = None,
    json: Json = False,
) -> None:
    """Register a gateway with home and devices, and let it in at the broker. May be run again.

    Devices that are not named here are announced by the gateway's own readings: see `devices`.
    """
    from core.clock import wall_time
    from core.database import read_clock
    from core.settings import load_settings
    from saimi.connecting import with_connection
    from saimi.credentials import Request, give
    from saimi.enrolment import NewDevice, note_credential
    from saimi.enrolment import enrol as register

    settings = load_settings()
    devices = [NewDevice.parse(one) for one in device or ()]
    request = Request(name, certificate, new_password, bridge, broker)
    request.check(settings)

    async def work(connection: asyncpg.Connection) -> dict[str, Any]:
        now = (await read_clock(connection)).now()
        done = await register(connection, name, home=home, area=area, devices=devices, now=now)
        given = give(request, settings, done.credential, wall_time())
        if given.kind is not None:
            await note_credential(connection, name, given.kind)
        return {"gateway": name, "home": home, "new": done.new, "new_home": done.new_home} | {
            key: value for key, value in given._asdict().items() if value is not None
        }

    report = with_connection(work)
    if json:
        emit(report)
        return
    show_values(report)
    if "password" in report:
        say("The password is shown this once and kept nowhere in clear: put it into the gateway.")
    elif settings.broker_admin_url is None:
        say("SAIMI_BROKER_ADMIN_URL is not set: the broker was told nothing.")


@app.command()
def revoke(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; kept with the gateway.")],
    json: Json = False,
) -> None:
    """Cut a gateway off at once: its connection ends, and ingest takes nothing of it any more."""
    from core.database import read_clock
    from core.settings import load_settings
    from saimi.broker_access import control, expulsion
    from saimi.connecting import with_connection
    from saimi.enrolment import revoke as refuse

    async def work(connection: asyncpg.Connection) -> None:
        now = (await read_clock(connection)).now()
        await refuse(connection, name, reason=reason, now=now)

    with_connection(work)
    # The registry first: ingest refuses it even if the broker cannot be told now.
    url = load_settings().broker_admin_url
    if url is not None:
        control(url.get_secret_value(), expulsion(name), again=True)
    if json:
        emit({"gateway": name, "revoked": True, "broker": url is not None})
    else:
        print(f"{name} is revoked.")
        if url is None:
            say("SAIMI_BROKER_ADMIN_URL is not set: the broker was told nothing.")


@app.command("list")
def list_(json: Json = False) -> None:
    """List the gateways: where they stand, when last heard, how much of theirs is here."""
    from ingest.completeness import completeness
    from saimi.connecting import with_connection
    from saimi.enrolment import list_gateways

    async def work(connection: asyncpg.Connection) -> list[dict[str, Any]]:
        proof = {row.pop("name"): row for row in await completeness(connection)}
        return [
            row | {name: proof.get(row["name"], {}).get(name) for name in _PROOF}
            for row in await list_gateways(connection)
        ]

    rows = with_connection(work)
    if json:
        emit({"gateways": rows})
        return
    columns = ("name", "home", "area", "credential", "online", "heard_at", "devices", "announced",
               "revoked_at")  # fmt: skip
    show_table(
        (*columns, "complete", "missing"),
        [[*(row[column] for column in columns), _percent(row), row["missing"]] for row in rows],
    )


@app.command()
def completeness(name: Name, json: Json = False) -> None:
    """Say by boot and day how many messages a gateway numbered and which of them are missing."""
    from ingest.completeness import completeness as by_gateway
    from ingest.completeness import completeness_by_day
    from saimi.connecting import with_connection

    async def work(
        connection: asyncpg.Connection,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return (
            await by_gateway(connection, gateway=name),
            await completeness_by_day(connection, gateway=name),
        )

    totals, days = with_connection(work)
    if not totals:
        raise NotFoundError(f"There is no gateway {name[:64]!r}: see `saimi gateway list`.")
    if json:
        emit(totals[0] | {"days": days})
        return
    print(f"{name}: {_percent(totals[0])}, {totals[0]['missing']} messages missing.")
    if totals[0]["unnumbered"]:
        sources = ", ".join(totals[0]["unnumbered"])
        print(f"Nothing can be proved of what came without numbers, from: {sources}.")
    show_table(
        ("day", "boot", "numbered", "received", "missing", "which"),
        [
            [
                one["day"] or "(only counted)",
                one["boot"] or "(earlier boots)",
                *(one[name] for name in ("expected", "received", "missing")),
                _gaps(one["gaps"]),
            ]
            for one in days
        ],
    )


def _percent(row: dict[str, Any]) -> str:
    """Never rounded up: 100 % is said only where nothing is missing."""
    if row["percent"] is None:
        return "not provable"
    return f"{math.floor(row['percent'] * 100) / 100:g} %"


def _gaps(gaps: list[tuple[int, int]] | None) -> str:
    """The first few, for a line of a table."""
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in (gaps or [])[:_SHOWN]]
    return " ".join(shown) + (" …" if len(gaps or []) > _SHOWN else "")


@app.command()
def devices(name: Name, json: Json = False) -> None:
    """List the devices of a gateway: registered ones, and those it announced for you to assign."""
    from saimi.connecting import with_connection
    from saimi.enrolment import list_devices

    async def work(connection: asyncpg.Connection) -> dict[str, list[dict[str, Any]]]:
        return await list_devices(connection, name)

    found = with_connection(work)
    if json:
        emit({"gateway": name} | found)
        return
    rows = [
        [one["device"], one["kind"], one["location"], "registered"] for one in found["registered"]
    ]
    rows += [
        [one["device"], "", "", f"announced: {' '.join(one['metrics'])}"]
        for one in found["announced"]
    ]
    show_table(("device", "kind", "location", "state"), rows)


@app.command()
def assign(
    name: Name,
    device: Annotated[str, typer.Argument(help="name:kind[:location]")],
    client: Annotated[
        str | None, typer.Option(help="Reference of the client it measures; else the home's.")
    ] = None,
    user_index: Annotated[
        int, typer.Option(min=0, max=255, help="The client's number on a shared device.")
    ] = 0,
    json: Json = False,
) -> None:
    """Register a device that a gateway announced, from now on."""
    from core.database import read_clock
    from saimi.connecting import with_connection
    from saimi.enrolment import NewDevice
    from saimi.enrolment import assign as register

    one = NewDevice.parse(device)

    async def work(connection: asyncpg.Connection) -> None:
        now = (await read_clock(connection)).now()
        await register(connection, name, one, client=client, user_index=user_index, now=now)

    with_connection(work)
    if json:
        emit({"gateway": name, "device": one.name, "client": client})
    else:
        print(f"{one.name} is registered.")


@app.command()
def broker(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    host: Annotated[str, typer.Option(help="Name or address that gateways reach the broker by.")],
    json: Json = False,
) -> None:
    """Make what the county's Mosquitto needs: configuration, authority, certificate, access file.

    The passwords of the administrator and of ingest are printed once.
    """
    from core.clock import wall_time
    from saimi.credentials import make_broker

    report = make_broker(folder, host, wall_time())
    if json:
        emit(report)
    else:
        show_values(report)
        say("Keep ca.key away from the broker; `saimi gateway enrol --certificate` needs it alone.")


@app.command()
def denied(
    log: Annotated[Path, typer.Argument(help="The broker's log; - is standard input.")],
    json: Json = False,
) -> None:
    """Count what the broker denied, by gateway: publishes outside their own prefix."""
    from saimi.denied import count_denied

    try:
        if str(log) == "-":
            counted = count_denied(sys.stdin)
        else:
            with log.open(encoding="utf-8", errors="replace") as lines:
                counted = count_denied(lines)
    except OSError as error:
        raise UserError(f"The log {log} cannot be read: {error.strerror}.") from error
    if json:
        emit({"denied": dict(counted)})
    else:
        show_table(("gateway", "denied"), counted.most_common())
