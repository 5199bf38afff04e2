"""What `saimi doctor` looks at. Each check says what it found, and whether that is well."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from core.clock import wall_time
from core.database import connect, load_queries, place, read_clock, server_info, translated
from core.errors import SaimiError, SettingsError
from core.schema import status
from core.settings import load_settings
from models.county import load as load_county
from saimi.addresses import find_broker, find_database, read_running

_LEAST_FREE_GB = 1.0
_MOST_SKEW_S = 1.0
_MOST_SILENT_S = 60.0
"""Sessions of dead workers are taken over within 30 s."""
_NOTHING = " and no `saimi up` runs here: nothing to look at"


class Check(msgspec.Struct):
    """One thing looked at."""

    ok: bool
    text: str
    detail: dict[str, Any] = {}


async def examine() -> dict[str, Check]:
    """Look at everything; nothing is changed."""
    found: dict[str, Check] = {}

    async def look(name: str, check: Callable[[], Awaitable[Check]]) -> bool:
        try:
            found[name] = await check()
        except SaimiError as error:
            found[name] = Check(ok=False, text=str(error))
        return found[name].ok

    await look("python", _python)
    await look("parts", _parts)
    if not _is_known(find_database):
        found["database"] = Check(ok=True, text=f"SAIMI_DATABASE_URL is not set{_NOTHING}")
    elif await look("database", _database) and await look("schema", _schema):
        await look("clock", _clock)
        await look("services", _services)
        await look("rules", _rules)
        await look("workers", _workers)
        await look("channels", _channels)
    if not _is_known(find_broker):
        found["broker"] = Check(ok=True, text=f"SAIMI_MQTT_URL is not set{_NOTHING}")
    else:
        await look("broker", _broker)
    await look("models", _models)
    await look("disk", _disk)
    if load_settings().metrics_port:
        await look("metrics", _metrics)
    return found


def _is_known(find: Callable[[], str]) -> bool:
    try:
        find()
    except SettingsError:
        return False
    return True


async def _python() -> Check:
    saimi = importlib.metadata.version("saimi")
    return Check(
        ok=True,
        text=f"Saimi {saimi} on Python {platform.python_version()}, {platform.system()}",
        detail={"saimi": saimi, "python": platform.python_version()},
    )


async def _parts() -> Check:
    """What `saimi up` would start here, without any address being set."""
    from saimi.embedded.broker import embedded_broker
    from saimi.embedded.installation import choose

    installation = await asyncio.to_thread(choose, None)
    broker = embedded_broker(load_settings().data_dir / "broker")
    version = await asyncio.to_thread(lambda: broker.version)
    timescaledb = " with TimescaleDB" if installation.timescaledb else ""
    return Check(
        ok=True,
        text=f"`saimi up` would bring PostgreSQL {installation.major}{timescaledb} and "
        f"{broker.name} {version}",
        detail={"postgresql": installation.major, "broker": f"{broker.name} {version}"},
    )


async def _database() -> Check:
    url = find_database()
    connection = await connect(url)
    try:
        info = await server_info(connection)
    finally:
        await connection.close()
    return Check(
        ok=True,
        text=f"{info.version} ({info.edition}) at {place(url)}",
        detail={"edition": info.edition, "version": info.version},
    )


async def _schema() -> Check:
    found = await status(find_database())
    text = f"schema {found.database or 'none'}, needed {found.code}"
    if not found.current:
        text += ": run `saimi db migrate`"
    return Check(
        ok=found.current, text=text, detail={"schema": found.database, "needed": found.code}
    )


async def _broker() -> Check:
    from saimi.broker_probe import probe

    info = await asyncio.to_thread(probe, find_broker())
    return Check(
        ok=True,
        text=f"{info.name}, {info.protocol}",
        detail={"name": info.name, "protocol": info.protocol},
    )


async def _clock() -> Check:
    """The shared clock, and how far this machine's clock is from the database's."""
    connection = await connect(find_database())
    try:
        async with translated():
            before = wall_time()
            theirs = await load_queries("saimi").database_time(connection)
            round_trip = wall_time() - before
            clock = await read_clock(connection)
    finally:
        await connection.close()
    skew = (before + round_trip / 2 - theirs).total_seconds()
    ahead = (clock.now() - wall_time()).total_seconds()
    text = f"{abs(skew):.3f} s from the database's clock"
    if clock.factor != 1 or abs(ahead) > 1:
        text += f"; simulated time, {clock.factor:g} times as fast, {ahead:,.0f} s ahead"
    ok = abs(skew) <= _MOST_SKEW_S
    if not ok:
        text += ": set both machines by NTP"
    return Check(
        ok=ok, text=text, detail={"skew_s": skew, "factor": clock.factor, "ahead_s": ahead}
    )


async def _services() -> Check:
    """Which services were heard of lately; none running is no fault of the installation."""
    connection = await connect(find_database())
    try:
        async with translated():
            rows = [row async for row in load_queries("saimi").heartbeats(connection)]
    finally:
        await connection.close()
    ages = {row["service"]: (wall_time() - row["wall_at"]).total_seconds() for row in rows}
    text = ", ".join(f"{name} {age:,.0f} s ago" for name, age in ages.items())
    return Check(ok=True, text=f"last alive: {text or 'none ever'}", detail={"last_alive_s": ages})


async def _rules() -> Check:
    """The rule files of alert workers lately alive; one that is wrong is a fault."""
    connection = await connect(find_database())
    try:
        async with translated():
            rows = [row async for row in load_queries("saimi").rule_files(connection)]
    finally:
        await connection.close()
    live = [row for row in rows if (wall_time() - row["wall_at"]).total_seconds() <= _MOST_SILENT_S]
    wrong = [row["error"] for row in live if row["error"]]
    named = {f"{row['file']} ({row['digest']})" for row in live if row["file"]}
    if wrong:
        return Check(ok=False, text=wrong[0], detail={"errors": wrong})
    if len(named) > 1:
        return Check(
            ok=False,
            text=f"workers go by different rules: {', '.join(sorted(named))}",
            detail={"in_force": sorted(named)},
        )
    in_force = next(iter(named), "those that ship") if live else "no alert engine is running"
    return Check(ok=True, text=in_force, detail={"in_force": sorted(named)})


async def _workers() -> Check:
    """Ingest's workers; a session that nobody reads, though others could, is a fault."""
    connection = await connect(find_database())
    try:
        async with translated():
            rows = [row async for row in load_queries("saimi").ingest_slots(connection)]
    finally:
        await connection.close()
    ages = {row["name"]: (wall_time() - row["renewed_at"]).total_seconds() for row in rows}
    live = [row for row in rows if row["held"] and ages[row["name"]] <= _MOST_SILENT_S]
    stranded = [row["name"] for row in rows if row not in live]
    if not live:
        return Check(ok=True, text="no ingest is running", detail={"sessions": ages})
    own = [row for row in live if not row["draining"]]
    text = "one takes everything"
    if any(row["shared"] for row in own):
        text = f"{len(own)} share what comes"
    if len(live) > len(own):
        text += f"; {len(live) - len(own)} sessions of workers gone are read to their end"
    ok = not stranded
    if stranded:
        text += f"; nobody reads {', '.join(stranded)}: look at ingest's log"
    return Check(ok=ok, text=text, detail={"sessions": ages})


async def _channels() -> Check:
    """How people are reached; a desk that nothing reaches, or a broken service, is a fault."""
    connection = await connect(find_database())
    try:
        async with translated():
            found = await load_queries("alerts").standing_of_delivery(connection, wall=wall_time())
    finally:
        await connection.close()
    detail = dict(found) | {"longest_s": round(float(found["longest_s"] or 0), 1)}
    text = f"{found['channels']} in use, {found['waiting']} messages waiting"
    if found["waiting"]:
        text += f" (tried for {detail['longest_s']:,.0f} s)"
    if found["channels"] and not found["desk"]:
        text += "; nothing but its page reaches the desk: `saimi channel add`"
    if found["broken"]:
        text += f"; broken: {', '.join(found['broken'])}"
    return Check(ok=not found["broken"], text=text, detail=detail)


async def _models() -> Check:
    """What the alert engine applies beside rules; a model that is refused is not well."""
    folder = load_settings().model_dir
    if folder is None:
        return Check(ok=True, text="none (SAIMI_MODEL_DIR is not set): alerts follow rules only")
    county = load_county(folder)
    record = county.record
    of = f"{record.clients:,} clients over {record.days:.0f} days"
    if county.deterioration is None:
        return Check(ok=True, text=f"{folder}: cohort of {of}; no model of deterioration")
    return Check(
        ok=True,
        text=f"{folder}: cohort of {of}, deterioration from {county.limit:.3f}",
        detail={"limit": county.limit, "urgent": county.urgent},
    )


async def _metrics() -> Check:
    """Whether the service whose metrics port is set here says that it is ready."""
    import aiohttp

    settings = load_settings()
    host = settings.metrics_host
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{settings.metrics_port}/ready"
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            said = await answer.json(content_type=None)
            ready = answer.status == 200
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Check(ok=False, text=f"nobody answers at {url} ({type(error).__name__})")
    reason = said.get("reason", "ready") if isinstance(said, dict) else "not understood"
    return Check(ok=ready, text=f"{url}: {reason}")


async def _disk() -> Check:
    directory = load_settings().data_dir
    nearest = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    free_gb = shutil.disk_usage(nearest).free / 1e9
    running = read_running(directory)
    text = f"{free_gb:,.1f} GB free for {Path(directory)}"
    if running is not None:
        text += f", where `saimi up` runs at {running.web_url}"
    ok = free_gb >= _LEAST_FREE_GB
    if not ok:
        text += ": make room"
    return Check(ok=ok, text=text, detail={"free_gb": round(free_gb, 3)})
