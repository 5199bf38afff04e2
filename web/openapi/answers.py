"""Shapes of the JSON API's answers. Nothing is built from them: they describe, and tests hold the
answers to them, to the last field.

What the fields mean is told where they are made: web.episodes, web.history, web.trends.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Severity = Annotated[int, Meta(ge=1, le=4)]
"""1 to 4; 4 is an emergency (alerts.finding.Severity)."""


class Error(msgspec.Struct):
    """Why something is refused."""

    error: Annotated[str, Meta(description="One sentence in the member's language.")]
    status: Annotated[int, Meta(ge=400, le=599)]


class State(msgspec.Struct, forbid_unknown_fields=True):
    """Whether a service answers."""

    status: Literal["ok", "no database"]


class Acknowledged(msgspec.Struct, forbid_unknown_fields=True):
    at: datetime
    by: str | None
    until: datetime | None


class Reached(msgspec.Struct, forbid_unknown_fields=True):
    at: datetime
    by: str | None
    how: str | None
    whom: str | None


class Client(msgspec.Struct, forbid_unknown_fields=True):
    pseudonym: str
    name: str
    age: int | None
    municipality: str | None


class Summary(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    rule: str | None
    key: str | None
    params: dict[str, Any] | None
    missing: list[str] | None


class Evidence(msgspec.Struct):
    """A reading that an alert was made of."""

    metric: str
    label: str
    text: str
    unit: str | None
    points: list[int] | None


class Episode(msgspec.Struct, forbid_unknown_fields=True):
    id: int
    version: int
    kind: str
    title: str
    severity: Severity
    highest: Severity
    urgency: str
    opened_at: datetime
    changed_at: datetime
    cleared_at: datetime | None
    acknowledged: Acknowledged | None
    contact: Reached | None
    closed_at: datetime | None
    closed_by: str | None
    outcome: str | None
    note: str
    needs_contact: bool
    client: Client
    summary: Summary
    others: list[str]
    evidence: list[Evidence]


class Happened(msgspec.Struct, forbid_unknown_fields=True):
    id: int
    at: datetime
    what: str
    text: str
    by: str | None
    detail: str
    note: str
    record: Annotated[
        Literal["health", "social"] | None,
        Meta(description="Which record it belongs to; null: what Saimi noted itself."),
    ]


class WholeEpisode(Episode, forbid_unknown_fields=True):
    """An alert, and everything that happened to it, oldest first."""

    events: list[Happened]


class Episodes(msgspec.Struct, forbid_unknown_fields=True):
    episodes: list[Episode]
    next: Annotated[str | None, Meta(description="Cursor of the next page; null: there is none.")]
    time: datetime


class MissedAlert(msgspec.Struct, forbid_unknown_fields=True):
    """`called_at`: when the member was called for it and did not look; null: they were not."""

    episode: Episode
    called_at: datetime | None
    became: Literal["waiting", "taken", "closed"]


class Missed(msgspec.Struct, forbid_unknown_fields=True):
    """What still waits first, then the most severe; `more`: some were left out."""

    since: datetime
    time: datetime
    missed: list[MissedAlert]
    more: bool


class Session(msgspec.Struct, forbid_unknown_fields=True):
    username: str
    name: str
    role: str
    language: Literal["fi", "sv", "en"]
    token: Annotated[str, Meta(description="To be sent back as X-Saimi-Token.")]


class SessionKey(msgspec.Struct, forbid_unknown_fields=True):
    key: Annotated[str, Meta(description="256 bits in base64.")]
    member: str
    seconds: int


class Colleague(msgspec.Struct, forbid_unknown_fields=True):
    username: str
    display_name: str
    role: str
    on_duty: bool


class Service(msgspec.Struct, forbid_unknown_fields=True):
    service: str
    name: str
    on_duty: Annotated[int, Meta(ge=0, description="How many of its members are on duty.")]


class Colleagues(msgspec.Struct, forbid_unknown_fields=True):
    colleagues: list[Colleague]
    services: list[Service]


class Where(msgspec.Struct, forbid_unknown_fields=True):
    address: str | None
    municipality: str | None
    latitude: float | None
    longitude: float | None
    access: str | None


class Part(msgspec.Struct, forbid_unknown_fields=True):
    part: str
    title: str
    text: str


class Script(msgspec.Struct, forbid_unknown_fields=True):
    fi: list[Part]
    sv: list[Part]
    en: list[Part]


class EmergencyCall(msgspec.Struct, forbid_unknown_fields=True):
    number: str
    where: Where
    script: Script
    language: Literal["fi", "sv", "en"]


class KeptAlert(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    html: str
    door_code: str


class Kept(msgspec.Struct, forbid_unknown_fields=True):
    """What a phone keeps; null: the version that it said it has."""

    time: datetime
    episodes: list[Episode]
    alerts: dict[str, KeptAlert | None]
    most: int


class Recorded(msgspec.Struct, forbid_unknown_fields=True):
    recorded: int


class PushKey(msgspec.Struct, forbid_unknown_fields=True):
    key: Annotated[str, Meta(description="applicationServerKey, base64url.")]


class Subscribed(msgspec.Struct, forbid_unknown_fields=True):
    subscribed: bool
    new: bool


class Unsubscribed(msgspec.Struct, forbid_unknown_fields=True):
    subscribed: bool


class DoorCode(msgspec.Struct, forbid_unknown_fields=True):
    code: str


class SeenClient(msgspec.Struct, forbid_unknown_fields=True):
    client: Annotated[str, Meta(description="The client's pseudonym.")]
