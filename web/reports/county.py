"""The figures of a county's month. They name no client, and are the dashboard's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.clock import LOCAL
from core.database import Connection, load_queries
from web.reports.month import Month

MONTHS = 12
"""Months shown side by side, the report's own the last."""
FEWEST = 5
"""Below so many alerts no median is shown: it would be about single people."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Unit:
    """A municipality or a team with its figures."""

    name: str
    figures: Row
    """A row of grafana.alert_figures."""
    covered: float | None
    """Share of the time in which somebody was on duty; None: no team drives there."""

    @property
    def per_100(self) -> float | None:
        """Alerts for each hundred clients."""
        return _share(100 * self.figures["alerts"], self.figures["clients"])

    @property
    def share_real(self) -> float | None:
        """Of the alerts that are closed."""
        closed = self.figures["alerts"] - self.figures["open"]
        return _share(self.figures["was_real"], closed)

    @property
    def acknowledge_s(self) -> float | None:
        """Median seconds until somebody had taken an alert on."""
        seconds: float | None = self.figures["acknowledge_s"]
        return seconds if self.figures["alerts"] >= FEWEST else None


@dataclass(frozen=True)
class CountyMonth:
    """One month of the county, whole days in county time."""

    month: Month
    over: bool
    """Whether the month has ended; else the figures are those until now."""
    days: int
    clients: int
    silent: int
    """Clients nobody could hear at its end."""
    covered: float | None
    covered_nights: float | None
    arrived: float | None
    """Share of the numbered messages that came; None: nothing can be proved."""
    own: Row | None
    """The month's row of grafana.alert_groups; None: no alert."""
    before: Row | None
    """The same of the month before."""
    areas: tuple[Unit, ...]
    teams: tuple[Unit, ...]
    by_day: tuple[tuple[date, int, int], ...]
    """Day, alerts, calls at night."""
    by_month: tuple[tuple[Month, Row | None], ...]
    by_kind: tuple[Row, ...]
    """Rows of grafana.alert_groups, the most frequent kind first."""
    by_severity: tuple[Row, ...]

    @property
    def alerts(self) -> int:
        """Alerts that called somebody."""
        return self.own["alerts"] if self.own else 0

    @property
    def change(self) -> float | None:
        """Alerts a day against the month before, 0.1 for a tenth more."""
        if self.before is None or not self.before["alerts"]:
            return None
        days_before = (self.month.begins.date() - self.month.moved(-1).begins.date()).days
        a_day_before: float = self.before["alerts"] / days_before
        return self.alerts / self.days / a_day_before - 1

    def share(self, what: str) -> float | None:
        """Of the alerts that are closed, those with this outcome."""
        return _share(self.own[f"was_{what}"], self.own["closed"]) if self.own else None

    def timed(self, what: str, counted: str) -> float | None:
        """A quantile of the month, where enough alerts stand behind it."""
        if self.own is None or self.own[counted] < FEWEST:
            return None
        value: float | None = self.own[what]
        return value


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


async def county_month(connection: Connection, month: Month, *, now: datetime) -> CountyMonth:
    """The month, up to now where it is not over; zeros for whoever is not of the county's desk."""
    queries = load_queries("web")
    until = min(month.ends, now)
    span: dict[str, Any] = {"since": month.begins, "until": until}

    async def groups(by: str, **other: Any) -> list[Row]:
        rows = queries.alert_groups(connection, **{**span, **other}, grouped=by)
        return [dict(row) async for row in rows]

    coverage = [dict(row) async for row in queries.coverage_figures(connection, **span)]
    states = [row async for row in queries.client_figures(connection, at=until)]
    arrivals = [
        row
        async for row in queries.arrival_figures(
            connection, since=month.begins.date(), until=month.ends.date()
        )
    ]
    first = month.moved(1 - MONTHS)
    months = {row["of"]: row for row in await groups("month", since=first.begins)}
    days: dict[date, tuple[int, int]] = {}
    async for row in queries.alert_days(connection, **span):
        day = row["day"].astimezone(LOCAL).date()
        alerts, nights = days.get(day, (0, 0))
        days[day] = (alerts + row["alerts"], nights + row["night_pages"])

    async def units(by_team: bool) -> tuple[Unit, ...]:
        rows = queries.alert_figures(connection, **span, by_team=by_team)
        covered = {
            (row["area"], row["team"]): _share(row["covered_hours"], row["hours"])
            for row in coverage
        }
        return tuple(
            [
                Unit(
                    f"{row['name']}: {row['team']}" if by_team else row["name"],
                    dict(row),
                    covered.get((row["area"], row["team"])),
                )
                async for row in rows
            ]
        )

    areas = await units(False)
    of_areas = [row for row in coverage if not row["team"]]
    gateways = sum(row["gateways"] for row in arrivals)
    return CountyMonth(
        month=month,
        over=month.ends <= now,
        days=len(days) or 1,
        clients=sum(row["clients"] for row in states),
        silent=sum(row["silent"] for row in states),
        covered=_share(
            sum(row["covered_hours"] for row in of_areas), sum(row["hours"] for row in of_areas)
        ),
        covered_nights=_share(
            sum(row["covered_night_hours"] for row in of_areas),
            sum(row["night_hours"] for row in of_areas),
        ),
        arrived=_share(sum(row["share"] * row["gateways"] for row in arrivals), gateways),
        own=months.get(str(month)),
        before=months.get(str(month.moved(-1))),
        areas=areas,
        teams=await units(True),
        by_day=tuple((day, *counts) for day, counts in sorted(days.items())),
        by_month=tuple(
            (one, months.get(str(one))) for one in (first.moved(n) for n in range(MONTHS))
        ),
        by_kind=tuple(
            sorted((row for row in await groups("kind") if row["alerts"]),
                   key=lambda row: -row["alerts"])
        ),
        by_severity=tuple(
            row for row in reversed(await groups("severity")) if row["alerts"]
        ),
    )  # fmt: skip
