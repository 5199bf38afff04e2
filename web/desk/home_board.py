"""Which homes are heard, in words, as the page and the API have it. As on the desk's first page no
name, address or pseudonym is in it: who lives there is told by the alert, and that look is on
record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from core.database import Connection, load_queries
from web.desk.places import Centre, Drawn, drawn
from web.desk.silent import Homes, Silence, Tally, tally
from web.i18n import Texts
from web.sentences import named, sentence
from web.values import as_time
from web.words import NEEDS
from web.words import SEVERITIES as URGENCIES

SHOWN = 50
"""Silent homes on the page; the rest are counted."""


class HomeCount(msgspec.Struct, forbid_unknown_fields=True):
    """Homes with a gateway; heard, silent, out and explained add up to `homes`."""

    homes: int
    heard: int
    silent: int
    """By themselves."""
    out: int
    """By an outage."""
    explained: int
    """By a pause or somebody's absence."""
    devices: int
    """Alerts of silent devices, in homes that are heard."""


class Place(msgspec.Struct, forbid_unknown_fields=True):
    """A circle on the map, in the units of its width and height."""

    x: float
    y: float
    r: float


class HomeArea(msgspec.Struct, forbid_unknown_fields=True):
    """One area."""

    name: str
    all: HomeCount
    place: Place | None


class SilentHome(msgspec.Struct, forbid_unknown_fields=True):
    """A home that is silent by itself."""

    id: int
    """The alert's."""
    severity: int
    urgency: str
    area: str
    said: str
    since: datetime
    """When it was heard last, or noticed never to have been."""
    needs: str
    """By what people at risk live there; empty: nobody is."""
    vital: bool
    """Somebody there lives by a device that may have stopped."""
    taken: bool


class OutageNow(msgspec.Struct, forbid_unknown_fields=True):
    """Power or network out."""

    id: int
    severity: int
    urgency: str
    area: str
    said: str
    since: datetime
    taken: bool


class HomeBoard(msgspec.Struct, forbid_unknown_fields=True):
    """The county's homes now."""

    county: HomeArea
    areas: list[HomeArea]
    map: list[float] | None
    """Width and height; null: where the areas are is not known."""
    outages: list[OutageNow]
    silent: list[SilentHome]
    more: int
    """Silent besides these."""
    time: datetime


@dataclass(frozen=True)
class HomesFound:
    """What was read, before it is put into words."""

    tally: Tally
    names: Mapping[int, str]
    map: Drawn | None
    outages: Sequence[Mapping[str, Any]]


async def read_homes(connection: Connection, now: datetime) -> HomesFound:
    """The homes as the transaction's coordinators may see them; `now` is not asked for here."""
    queries = load_queries("web")
    areas = [dict(row) async for row in queries.desk_places(connection)]
    out = {row["home"]: row["area"] async for row in queries.desk_out(connection)}
    silences = [Silence(**dict(row)) async for row in queries.desk_silences(connection)]
    outages = [dict(row) async for row in queries.desk_outages(connection)]
    centres = tuple(
        Centre(row["id"], row["name"], row["latitude"], row["longitude"], row["homes"])
        for row in areas
        if row["latitude"] is not None and row["longitude"] is not None
    )
    return HomesFound(
        tally({row["id"]: row["homes"] for row in areas}, out, silences),
        {row["id"]: row["name"] for row in areas},
        # A map that leaves an area out would say that nothing is the matter there.
        drawn(centres) if len(centres) == len(areas) else None,
        outages,
    )


def home_board(found: HomesFound, text: Texts, now: datetime) -> HomeBoard:
    """The same in the words of one language."""
    counted, circles = found.tally, found.map.circles if found.map else {}
    whole = text.gettext("Whole county")
    return HomeBoard(
        county=HomeArea(whole, _count(counted.county), None),
        areas=[
            HomeArea(
                found.names[area],
                _count(homes),
                Place(*circles[area]) if area in circles else None,
            )
            for area, homes in counted.areas.items()
        ],
        map=[found.map.width, found.map.height] if found.map else None,
        outages=[
            OutageNow(
                id=one["id"],
                severity=one["severity"],
                urgency=_urgency(one["severity"], text),
                area=found.names.get(one["area"], whole),
                said=sentence(text, "outage", one["summary"]),
                since=as_time((one["summary"].get("params") or {}).get("since"))
                or one["opened_at"],
                taken=one["taken"],
            )
            for one in found.outages
        ],
        silent=[_silent(one, found, text) for one in counted.silent[:SHOWN]],
        more=max(0, len(counted.silent) - SHOWN),
        time=now,
    )


def _urgency(severity: int, text: Texts) -> str:
    return text.gettext(URGENCIES[severity])


def _count(homes: Homes) -> HomeCount:
    return HomeCount(
        homes.homes, homes.heard, homes.silent, homes.out, homes.explained, homes.devices
    )


def _silent(one: Silence, found: HomesFound, text: Texts) -> SilentHome:
    return SilentHome(
        id=one.id,
        severity=one.severity,
        urgency=_urgency(one.severity, text),
        area=found.names[one.area],
        said=sentence(text, "silence", one.summary),
        since=one.since,
        needs=text.listing(
            f"{named(text, NEEDS, need)} {text.number(count)}" for need, count in one.needs.items()
        ),
        vital=one.vital,
        taken=one.taken,
    )
