"""Shapes of what charts are drawn from (web.trends); they describe, like web.openapi.answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from web.openapi.answers import Severity


class Series(msgspec.Struct, forbid_unknown_fields=True):
    """Columns; `time` in Unix seconds."""

    label: str
    unit: str
    decimals: int
    time: list[float]
    low: list[float]
    high: list[float]
    mean: list[float]
    count: list[int]
    beyond: list[bool | None]


class Band(msgspec.Struct, forbid_unknown_fields=True):
    low: float | None
    high: float | None
    own: bool


class Readings(msgspec.Struct, forbid_unknown_fields=True):
    since: datetime = msgspec.field(name="from")
    to: datetime
    resolution: Literal["raw", "hourly", "daily"]
    series: dict[str, Series]
    bands: dict[str, Band]


class Place(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    counts: list[int]


class ActivityStrip(msgspec.Struct, forbid_unknown_fields=True, tag_field="layout", tag="strip"):
    """Of days: a count for each `bin_s` seconds from `start`."""

    since: datetime = msgspec.field(name="from")
    to: datetime
    start: datetime
    bin_s: int
    bins: int
    places: list[Place]


class ActivityRaster(msgspec.Struct, forbid_unknown_fields=True, tag_field="layout", tag="raster"):
    """Of months: 24 counts a day, by the hour in the county."""

    since: datetime = msgspec.field(name="from")
    to: datetime
    first: date
    days: int
    places: list[Place]


class Parameter(msgspec.Struct, forbid_unknown_fields=True):
    """A parameter of NEWS2: whether it was known, at each of the score's times."""

    name: str
    known: list[Literal[0, 1]]


class ScoreOverTime(msgspec.Struct, forbid_unknown_fields=True):
    """Columns; `time` in Unix seconds. What is missing counts 0 in `low`, the most in `high`."""

    time: list[float]
    low: list[int]
    high: list[int]
    parameters: list[Parameter]


class Nights(msgspec.Struct, forbid_unknown_fields=True):
    """Columns, by the day on which a night ends."""

    day: list[date]
    in_bed_h: list[float]
    risings: list[int]


class HeardDevice(msgspec.Struct, forbid_unknown_fields=True):
    """Readings a day; null: it was not there."""

    name: str
    counts: list[int | None]


class Heard(msgspec.Struct, forbid_unknown_fields=True):
    first: date
    days: int
    devices: list[HeardDevice]


class Arrived(msgspec.Struct, forbid_unknown_fields=True):
    """Columns: of the gateway's numbered messages of a day, the share that is here."""

    day: list[date]
    percent: list[float]


class WeekMean(msgspec.Struct, forbid_unknown_fields=True):
    """Columns: noon of each day (Unix s), and the mean of the seven days that it ends."""

    time: list[float]
    mean: list[float]


class AlertMark(msgspec.Struct, forbid_unknown_fields=True):
    """An alert that called somebody; `to` is null while it goes on."""

    id: int
    severity: Severity
    text: str
    since: datetime = msgspec.field(name="from")
    to: datetime | None
    outcome: str | None


class VisitMark(msgspec.Struct, forbid_unknown_fields=True):
    episode: int
    text: str
    at: datetime


class PauseMark(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    since: datetime = msgspec.field(name="from")
    to: datetime


class Marks(msgspec.Struct, forbid_unknown_fields=True):
    """The newest first; `more`: some were left out."""

    alerts: list[AlertMark]
    visits: list[VisitMark]
    pauses: list[PauseMark]
    more: bool


class Course(msgspec.Struct, forbid_unknown_fields=True):
    since: datetime = msgspec.field(name="from")
    to: datetime
    resolution: Literal["raw", "hourly", "daily"]
    score: ScoreOverTime
    nights: Nights
    heard: Heard
    arrived: Arrived
    week_means: dict[str, WeekMean]
    marks: Marks


class Summed(msgspec.Struct, forbid_unknown_fields=True):
    mean: float
    low: float
    high: float
    count: int


class ComparedSign(msgspec.Struct, forbid_unknown_fields=True):
    """A measurement in both periods; null: it was not measured."""

    metric: str
    label: str
    unit: str
    decimals: int
    now: Summed | None
    earlier: Summed | None
    change: Annotated[float | None, Meta(description="Of the means.")]


class Moved(msgspec.Struct, forbid_unknown_fields=True):
    """How often, on average, in 24 hours and from 22 to 6."""

    a_day: float | None
    a_night: float | None


class ComparedPlace(msgspec.Struct, forbid_unknown_fields=True):
    """Movement at a place; null: nothing came from there."""

    name: str
    now: Moved | None
    earlier: Moved | None


class Comparison(msgspec.Struct, forbid_unknown_fields=True):
    """`series` are the earlier period's, in its own time."""

    since: datetime = msgspec.field(name="from")
    to: datetime
    earlier_from: datetime
    earlier_to: datetime
    resolution: Literal["raw", "hourly", "daily"]
    series: dict[str, Series]
    signs: list[ComparedSign]
    places: list[ComparedPlace]
