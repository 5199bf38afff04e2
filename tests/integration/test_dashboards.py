"""Every query of the dashboards runs as the role that will send it, on every edition and at any
range, and says what the readings say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from core.catalogue import catalogue
from core.database import connect, server_info
from dashboards.asked import Panel, panels
from dashboards.boards import boards
from dashboards.queries import PARAMETERS, queries
from models.news2 import news2
from tests.support.databases import Databases
from tests.support.grafana import UNTIL, GrafanaCounty, grafana_county, rows, sent

RANGES = {"day": timedelta(days=1), "month": timedelta(days=30), "year": timedelta(days=365)}
AREA = "lappeenranta"


@pytest.fixture(scope="module")
def county(edition_databases: Databases) -> Iterator[GrafanaCounty]:
    """One county for the file, on each edition."""
    url = edition_databases.create()
    stack = AsyncExitStack()
    with ThreadPoolExecutor(1) as pool, asyncio.Runner() as runner:

        async def make() -> GrafanaCounty:
            return await stack.enter_async_context(grafana_county(url, AREA, "imatra"))

        yield pool.submit(runner.run, make()).result()
        pool.submit(runner.run, stack.aclose()).result()
    edition_databases.drop(url)


@pytest.fixture
async def owner(county: GrafanaCounty) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(county.url)
    yield connection
    await connection.close()


@pytest.fixture
async def area(county: GrafanaCounty) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(county.roles[AREA])
    yield connection
    await connection.close()


@pytest.fixture
async def whole(county: GrafanaCounty) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(county.roles[None])
    yield connection
    await connection.close()


async def _row(connection: asyncpg.Connection, sql: str, *values: object) -> asyncpg.Record:
    row = await connection.fetchrow(sql, *values)
    assert row is not None
    return row


async def _someone(connection: asyncpg.Connection) -> str:
    client: str = await connection.fetchval("SELECT min(client) FROM grafana.client")
    return client


def _shape(panel: Panel, found: list[asyncpg.Record]) -> None:
    """What Grafana needs of an answer of this kind."""
    assert found, panel
    names = list(found[0].keys())
    if panel.kind == "variable":
        assert "__text" in names
    elif panel.kind == "annotation":
        assert names == ["time", "timeend", "text", "tags"]
    elif panel.format == "time_series":
        assert names[0] == "time"
        times = [row["time"] for row in found]
        assert all(isinstance(at, datetime) for at in times)
        assert times == sorted(times)
        values = [name for name in names[1:] if name != "metric"]
        assert any(row[name] is not None for row in found for name in values)
        assert all(isinstance(row[n], float | int | None) for row in found for n in values), names


@pytest.mark.parametrize("length", RANGES)
async def test_every_query_answers_as_the_areas_role(area: asyncpg.Connection, length: str) -> None:
    chosen: dict[str, Any] = {
        "client": await _someone(area),
        "area": [AREA],
        "team": ["Lappeenranta team", "Night team"],
        "room": "kitchen",
    }
    quiet = {"alerts", "visits", "pauses", "Alerts", "Visits", "Absences", "Open",
             "Alerts and what became of them"}  # fmt: skip
    asked = [one for board in boards("area", "en") for one in panels(board)]
    assert len(asked) == 42
    for panel in asked:
        found = await rows(area, sent(panel.sql, length=RANGES[length], **chosen))
        # Neither the chart nor the county's own limits know a range for these.
        no_band = "grafana.band" in panel.sql and re.search("diastolic|weight|glucose", panel.sql)
        if found or not (no_band or panel.title in quiet):
            _shape(panel, found)


@pytest.mark.parametrize("length", RANGES)
async def test_every_query_answers_as_the_countys_role(
    whole: asyncpg.Connection, length: str
) -> None:
    chosen: dict[str, Any] = {"area": [AREA, "imatra"]}
    asked = [one for board in boards("county", "en") for one in panels(board)]
    assert len(asked) == 15
    for panel in asked:
        found = await rows(whole, sent(panel.sql, length=RANGES[length], **chosen))
        if panel.title not in ("Rejected by day", "Workers"):
            _shape(panel, found)


@pytest.mark.parametrize("length", ["day", "month", "year"])
async def test_a_vital_sign_keeps_its_extremes_at_any_range(
    area: asyncpg.Connection, owner: asyncpg.Connection, length: str
) -> None:
    client = await _someone(area)
    (panel,) = _of(boards("area", "en")[1], "Pulse", "timeseries", 1)
    found = await rows(area, sent(panel.sql, length=RANGES[length], client=client))
    low, high = await _row(
        owner,
        "SELECT min(value), max(value) FROM telemetry.reading r JOIN registry.subject s"
        " ON s.id = r.subject WHERE s.pseudonym = $1 AND r.metric = 1 AND r.time >= $2"
        " AND r.time <= $3",
        client,
        UNTIL - RANGES[length],
        UNTIL,
    )
    assert min(row["lowest"] for row in found) == low
    assert max(row["highest"] for row in found) == high
    assert 24 <= len(found) <= 1500


def _of(board: Any, title: str, kind: str, first: int = 0) -> list[Panel]:
    found = [one for one in panels(board) if one.title == title and one.kind == kind]
    return found[:first] if first else found


async def test_the_score_is_that_of_the_model_and_what_is_missing_widens_it(
    area: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    """Each score of a day, against models.news2 on the values that were valid then."""
    client = await _someone(area)
    (panel,) = _of(boards("area", "en")[1], "NEWS2", "timeseries")
    length = timedelta(days=1)
    found = await rows(area, sent(panel.sql, length=length, client=client).replace(
        "date_bin(make_interval(secs => 86400 / 1000.0), k.time, TIMESTAMPTZ '2000-01-01')",
        "k.time"))  # fmt: skip
    scale, by_plan = await _row(
        owner,
        "SELECT c.spo2_scale, c.oxygen_prescribed IS FALSE FROM registry.client c"
        " JOIN registry.subject s ON s.id = c.subject WHERE s.pseudonym = $1",
        client,
    )
    readings = await owner.fetch(
        "SELECT r.time, m.name, r.value FROM telemetry.reading r"
        " JOIN telemetry.metric m ON m.id = r.metric JOIN registry.subject s ON s.id = r.subject"
        " WHERE s.pseudonym = $1 AND m.name = ANY($2) AND r.time > $3 ORDER BY r.time",
        client,
        list(PARAMETERS),
        UNTIL - timedelta(days=3),
    )
    assert len(found) > 70
    for row in found[::7]:
        given: dict[str, float] = {}
        for one in readings:
            hours = PARAMETERS[one["name"]][0]
            if row["time"] - timedelta(hours=hours) <= one["time"] <= row["time"]:
                given[one["name"]] = one["value"]
        flow = given.pop("oxygen_flow", 0.0 if by_plan else float("nan"))
        values = {name: float("nan") for name in PARAMETERS if name != "oxygen_flow"} | given
        score = news2(oxygen=flow, scale=scale, **values)
        assert (row["at least"], row["at most"]) == (score.low[0], score.high[0])


async def test_the_points_and_bands_are_those_of_the_model(
    area: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    nan = float("nan")
    for metric in PARAMETERS:
        entry = catalogue()[metric]
        step = 0.05 if metric == "temperature" else 0.25
        low, high = entry.possible
        values = [low + step * n for n in range(int((high - low) / step) + 1)]
        for scale in (1, 2):
            for oxygen in (None, False, True):
                flow = nan if oxygen is None else float(oxygen)
                given = {name: [nan] for name in PARAMETERS} | {metric: values}
                given["oxygen"] = given.pop("oxygen_flow")
                if metric != "oxygen_flow":
                    given["oxygen"] = [flow]
                row = [name.replace("oxygen_flow", "oxygen") for name in PARAMETERS].index(
                    metric.replace("oxygen_flow", "oxygen")
                )
                expected = news2(scale=scale, **given).points_low[row].tolist()
                found = await area.fetch(
                    "SELECT grafana.news2_points($1, v, $2, $3) AS points"
                    " FROM unnest($4::float8[]) v",
                    metric, scale, oxygen, values,
                )  # fmt: skip
                assert [one["points"] for one in found] == expected, (metric, scale, oxygen)
    for band in await owner.fetch("SELECT * FROM grafana.chart_band"):
        zero = [
            await area.fetchval("SELECT grafana.news2_points($1, $2, $3, true)", band["metric"], v,
                                band["scale"])
            for v in (band["low"] - 0.6, band["low"], band["high"] or band["low"])
        ]  # fmt: skip
        assert zero[0] > 0
        assert zero[1:] == [0, 0]


async def test_the_countys_figures_count_the_rows_that_the_area_lists(
    area: asyncpg.Connection, whole: asyncpg.Connection
) -> None:
    figures = await _row(whole,
        "SELECT * FROM grafana.alert_figures($1, $2, false) WHERE area = $3",
        UNTIL - timedelta(days=30), UNTIL, AREA,
    )  # fmt: skip
    # The clock went back in Finland between: whole days begin at midnight there.
    since, until = await _row(area,
        "SELECT date_trunc('day', $1::timestamptz, 'Europe/Helsinki'),"
        " date_trunc('day', $2::timestamptz, 'Europe/Helsinki') + interval '1 day'",
        UNTIL - timedelta(days=30), UNTIL,
    )  # fmt: skip
    listed = {
        row["id"]: row
        for row in await area.fetch(
            "SELECT * FROM grafana.alert WHERE opened_at >= $1 AND opened_at < $2 AND calls",
            since, until,
        )
    }.values()  # fmt: skip
    assert figures["alerts"] == len(listed) > 0
    assert figures["was_false"] == sum(row["outcome"] == "false" for row in listed)
    assert figures["pages"] == sum(row["pages"] for row in listed)
    assert figures["night_pages"] == sum(row["night_pages"] for row in listed)
    times = sorted(row["close_s"] for row in listed if row["close_s"] is not None)
    middle = len(times) // 2
    median = times[middle] if len(times) % 2 else (times[middle - 1] + times[middle]) / 2
    assert figures["close_s"] == pytest.approx(median)
    assert figures["clients"] == await area.fetchval("SELECT count(*) FROM grafana.client")
    by_day = await whole.fetchval(
        "SELECT sum(alerts) FROM grafana.alert_days($1, $2) WHERE area = $3",
        UNTIL - timedelta(days=30), UNTIL, AREA,
    )  # fmt: skip
    assert by_day == len(listed)


async def test_coverage_is_the_time_in_which_somebody_was_on_duty(
    whole: asyncpg.Connection,
) -> None:
    found = {
        row["team"]: row
        for row in await whole.fetch(
            "SELECT * FROM grafana.coverage($1, $2) WHERE area = $3",
            UNTIL - timedelta(days=10), UNTIL - timedelta(days=2), AREA,
        )
    }  # fmt: skip
    assert found[""]["covered_hours"] == found[""]["hours"] == 24 * 9 + 1  # the clock goes back
    assert found["Lappeenranta team"]["covered_hours"] == 14 * 9
    assert found["Lappeenranta team"]["covered_night_hours"] == 0
    assert found["Night team"]["covered_night_hours"] == found[""]["night_hours"]


async def test_a_client_code_cannot_break_out_of_its_quotes(area: asyncpg.Connection) -> None:
    for sql in (queries("client")["vital_sign"], queries("client")["newest"]):
        asked = sent(
            sql.replace("${metric_id}", str(catalogue()["pulse"].id)), client="' OR true --"
        )
        assert await rows(area, asked) == []


async def test_nights_read_what_the_bed_said_and_nothing_else(area: asyncpg.Connection) -> None:
    """Over a year the rest is twenty times as much."""
    (panel,) = _of(boards("area", "en")[1], "Nights", "timeseries")
    client = await _someone(area)
    plan = await rows(area, "EXPLAIN " + sent(panel.sql, length=RANGES["year"], client=client))
    found = [row[0] for row in plan if "Index Cond" in row[0] and "metric" in row[0]]
    assert found
    assert all(f"metric = {catalogue()['bed'].id}" in one for one in found)


@pytest.mark.parametrize("title", ["Activity: $room", "Movement at night (22–6)"])
async def test_a_year_of_movement_is_read_from_its_index_alone(
    owner: asyncpg.Connection, area: asyncpg.Connection, title: str
) -> None:
    """Each of its hours lies on a page of its own: a column that the index lacks costs them all."""
    if (await server_info(owner)).edition == "timescaledb-community":
        pytest.skip("hours are a continuous aggregate")
    await owner.execute("VACUUM telemetry.reading_hourly_movement")
    panel = next(one for one in panels(boards("area", "en")[1]) if one.title == title)
    # So few rows are sooner read from end to end.
    await area.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    client = await _someone(area)
    sql = sent(panel.sql, length=RANGES["year"], client=client, room="kitchen")
    plan = [row[0] for row in await rows(area, "EXPLAIN " + sql)]
    found = [line for line in plan if " on reading_hourly" in line]
    assert len(found) == 1, plan
    assert "Index Only Scan using reading_hourly_movement_of_device" in found[0]
