"""All that is held about one client in one ZIP file: for programs, and for people.

    data.json       everything but the readings, by class (docs/rights.md)
    readings.csv    every reading, as web.trends.export writes them
    days.csv        sums by day, which are kept longer than the readings
    index.html      the same to read, in the client's language

The file is written to disk piece by piece; no more than a piece of the readings is in memory.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from typing import IO, Any

import msgspec

from core.catalogue import catalogue
from core.clock import LOCAL
from core.database import Connection, load_queries
from web.i18n import Texts
from web.own.wording import CHANGES, LOOKS, PURPOSES
from web.own_words import ANSWERS
from web.sentences import named, sentence
from web.trends.export import decimal, plain
from web.values import metric_name
from web.words import DEVICES, EVENTS, KINDS, OUTCOMES, PLACES, RECORDS

_STATES = ("ok", "suspect", "struck_out")
_QUALIFIERS = {-1: "<", 0: "", 1: ">"}
_ROWS_AT_ONCE = 1000
Render = Callable[..., str]


async def write_archive(
    file: IO[bytes],
    connection: Connection,
    subject: int,
    *,
    text: Texts,
    now: datetime,
    render: Render,
) -> bool:
    """Write the archive; False where the transaction's caller may not have it. `render` makes a
    page of a template's name and its values.
    """
    queries = load_queries("web")
    data = await queries.export_of(connection, subject=subject)
    if data is None:
        return False
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        whole = {"made_at": now, "format": "saimi-export-1", **data}
        archive.writestr("data.json", msgspec.json.format(msgspec.json.encode(whole), indent=1))
        with archive.open("readings.csv", "w", force_zip64=True) as out:
            rows = queries.all_readings_of(connection, subject=subject)
            async for piece in _csv(_READING, rows, _reading):
                out.write(piece)
        measured: dict[tuple[int, str], list[Any]] = {}
        with archive.open("days.csv", "w", force_zip64=True) as out:
            rows = _watched(queries.all_days_of(connection, subject=subject), measured)
            async for piece in _csv(_DAY, rows, _day):
                out.write(piece)
        values = readable(data, measured, text)
        archive.writestr("index.html", render("own/archive.html", now=now, **values))
    return True


async def _csv(
    columns: Iterable[str], rows: AsyncIterator[Any], line: Callable[[Any], Iterable[object]]
) -> AsyncIterator[bytes]:
    piece = io.StringIO(newline="")
    writer = csv.writer(piece)
    writer.writerow(columns)
    count = 0
    async for row in rows:
        writer.writerow(line(row))
        count += 1
        if count % _ROWS_AT_ONCE == 0:
            yield piece.getvalue().encode()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue().encode()


_READING = ("time", "metric", "value", "qualifier", "unit", "state", "device", "place", "received",
            "entered_by_hand")  # fmt: skip


def _reading(row: Any) -> Iterable[object]:
    metric = catalogue().by_id[row["metric"]]
    return (
        row["time"].isoformat(), metric.name, decimal(row["value"]), _QUALIFIERS[row["qualifier"]],
        metric.unit, _STATES[row["state"]], plain(row["kind"] or ""), plain(row["place"] or ""),
        row["received_at"].isoformat(), "yes" if row["entered"] else "no",
    )  # fmt: skip


_DAY = ("day", "metric", "unit", "count", "doubtful", "lowest", "highest", "mean", "device",
        "place")  # fmt: skip


def _day(row: Any) -> Iterable[object]:
    metric = catalogue().by_id[row["metric"]]
    return (
        row["bucket"].astimezone(LOCAL).date().isoformat(), metric.name, metric.unit, row["count"],
        row["suspect"], decimal(row["lowest"]), decimal(row["highest"]), decimal(row["mean"]),
        plain(row["kind"] or ""), plain(row["place"] or ""),
    )  # fmt: skip


async def _watched(
    rows: AsyncIterator[Any], measured: dict[tuple[int, str], list[Any]]
) -> AsyncIterator[Any]:
    """The same rows; what was measured in how many days, from when to when, in passing."""
    async for row in rows:
        one = measured.setdefault(
            (row["metric"], row["kind"] or ""), [row["bucket"], row["bucket"], 0]
        )
        one[1], one[2] = row["bucket"], one[2] + row["count"]
        yield row


def readable(
    data: dict[str, Any], measured: dict[tuple[int, str], list[Any]], text: Texts
) -> dict[str, Any]:
    """What the page is written from: the classes of the export in words. Pure."""
    by_id = catalogue().by_id
    return {
        "client": data["client"],
        "home": data["home"] or {},
        "care": [{**one, "since": _at(one["since"]), "until": _at(one["until"])}
                 for one in data["care"]],
        "devices": [
            {"name": named(text, DEVICES, one["kind"]), "since": _at(one["since"]),
             "place": named(text, PLACES, one["location"]) if one["location"] else "",
             "until": _at(one["until"])}
            for one in data["devices"]
        ],
        "measured": [
            {"name": metric_name(text, by_id[metric].name), "device": named(text, DEVICES, kind),
             "since": text.day(first.astimezone(LOCAL).date()), "count": count,
             "until": text.day(last.astimezone(LOCAL).date())}
            for (metric, kind), (first, last, count) in sorted(measured.items())
        ],
        "alerts": [
            {"kind": named(text, KINDS, one["kind"]), "at": _at(one["opened_at"]),
             "said": sentence(text, one["kind"], one["summary"]), "note": one["note"],
             "outcome": named(text, OUTCOMES, one["outcome"]) if one["outcome"] else "",
             "closed_at": _at(one["closed_at"]), "closed_by": one["closed_by"],
             "events": [{"at": _at(event["at"]), "what": named(text, EVENTS, event["what"]),
                         "member": event["member"], "note": event["detail"].get("note", ""),
                         "record": named(text, RECORDS, event["record"] or "")}
                        for event in one["events"] or ()]}
            for one in reversed(data["alerts"])
        ],
        "words": [
            {**one, "at": _at(one["at"]),
             "answer": named(text, ANSWERS, one["answer"]) if one["answer"] else ""}
            for one in reversed(data["own_words"])
        ],
        "looks": [
            {"at": _at(one["at"]), "unit": one["unit"],
             "member": one["member"] or text.gettext("You yourself, with your own login"),
             "what": named(text, LOOKS, one["what"]), "why": named(text, PURPOSES, one["purpose"]),
             "record": named(text, RECORDS, one["record"] or "")}
            for one in reversed(data["looks"])
        ],
        "changes": [{**one, "at": _at(one["at"]), "what": named(text, CHANGES, one["what"])}
                    for one in reversed(data["changes"])],
    }  # fmt: skip


def _at(written: str | None) -> datetime | None:
    """A time out of the database's JSON; None also for one that never comes."""
    if written is None or written.strip("-") == "infinity":
        return None
    return datetime.fromisoformat(written)
