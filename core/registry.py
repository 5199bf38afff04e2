"""The registry document: who is who, as `saimi registry import` takes it.

One JSON (or TOML) file names areas, teams, members, homes, clients, gateways and devices. Importing
is idempotent: what is there is updated, what is new is added, nothing is removed; a device that
has another owner than before gets a new assignment from then on, and its history stays.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from core.errors import RegistryError
from core.record import EMPTY, Record

Name = Annotated[str, Meta(min_length=1, max_length=200)]
WireName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Language = Literal["fi", "sv", "en"]
Role = Literal["member", "clinician", "coordinator", "operator", "administrator"]
PauseKind = Literal["hospital", "holiday", "guests"]
Hazard = Literal["dog", "violence", "infection", "smoking_with_oxygen"]
LONGEST_PAUSE = timedelta(days=60)
"""One who is away for longer is looked at in between. The schema holds it too."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Area(_Entry):
    """A municipality, or a part of one, that is served as a whole."""

    code: Name
    name: Name
    latitude: Latitude | None = None
    """Of its centre (WGS84): where its teams start from, for travel times."""
    longitude: Longitude | None = None


class Member(_Entry):
    """Somebody who logs in. The password is never in the document (`saimi user add`)."""

    username: Annotated[str, Meta(pattern=r"^[a-z0-9._-]{1,64}$")]
    display_name: Name
    role: Role = "member"
    language: Language = "fi"
    identity: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    """What the county's identity provider calls them; absent: their username, or as it was."""


class Team(_Entry):
    """A care team: whose members they are, which areas it drives to."""

    name: Name
    areas: list[str]
    """Area codes."""
    members: list[str] = []
    """Usernames."""
    service: Name = "home_care"
    """What it does: a service of alerts/routing/routing.toml is called before others."""
    base: str | None = None
    """Code of the area from whose centre its members start; absent: the first of its areas."""


class Limit(_Entry):
    """A client's own limits of a metric, in the catalogue's unit."""

    metric: str
    low: float | None = None
    high: float | None = None


class Pause(_Entry):
    """What is not expected for a time: somebody is in hospital or away, or a home has guests."""

    kind: PauseKind
    since: datetime
    until: datetime
    """There is no pause without an end, nor one that lasts longer than LONGEST_PAUSE."""


class Client(_Entry):
    """A client, as the care plan has them."""

    reference: Name
    """What the document calls the client; stays the same from import to import."""
    given_name: Name
    family_name: Name
    born: date
    phone: str = ""
    language: Language = "fi"
    spo2_scale: Literal[1, 2] = 1
    oxygen_prescribed: bool | None = None
    conditions: list[str] = []
    limits_of_care: str = ""
    teams: list[str] = []
    """Names of the teams with which the client has a care relationship."""
    limits: list[Limit] = []
    pauses: list[Pause] = []
    """Of this client alone."""
    record: Record = EMPTY


class Device(_Entry):
    """A device of a home's gateway."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    """As it is called on the wire."""
    kind: Name
    """What it is: oximeter, cuff, thermometer, scale, wearable, motion, door, bed, button, …"""
    location: str = ""
    silent_after_minutes: float | None = None
    """Expected to be heard at least this often; absent: used on demand."""
    subject: str | None = None
    """Reference of the client it measures; absent: the home itself (ambient, homes for two)."""
    user_index: int = 0
    assigned_from: datetime | None = None
    """Since when; absent: since the import."""


class Home(_Entry):
    """A home with its people, its gateway and its devices."""

    name: Name
    area: str
    """Area code."""
    gateway: WireName
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    access: str = ""
    """How to get in: where the key is, whom to ring at; no codes."""
    door_code: Annotated[str, Meta(max_length=100)] = ""
    """Shown to whoever has an open alert of the home, each look on record."""
    hazards: list[Hazard] = []
    """What whoever comes must know before they ring."""
    clients: list[Client] = []
    devices: list[Device] = []
    pauses: list[Pause] = []
    """Of everybody who lives there."""


class Document(_Entry):
    """The whole document."""

    areas: list[Area] = []
    members: list[Member] = []
    teams: list[Team] = []
    homes: list[Home] = []


def parse_document(text: str | bytes, *, form: Literal["json", "toml"] = "json") -> Document:
    """Read a registry document.

    Raises:
        RegistryError: it is not readable, or an entry is wrong; says which.
    """
    try:
        if form == "toml":
            content: Any = tomllib.loads(text.decode() if isinstance(text, bytes) else text)
            return msgspec.convert(content, Document)
        return msgspec.json.decode(text, type=Document)
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegistryError(f"This is not a registry document: {error}.") from error


def read_document(path: Path) -> Document:
    """Read a registry document from a .json or .toml file.

    Raises:
        RegistryError: the file cannot be read, or is no registry document.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RegistryError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return parse_document(text, form="toml" if path.suffix == ".toml" else "json")
    except RegistryError as error:
        raise RegistryError(f"{path}: {error}") from error
