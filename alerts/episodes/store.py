"""Writes what changed: episodes, what happened to them, and who must be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.episodes.episode import Change
from alerts.episodes.joining import KEEP_EVIDENCE
from alerts.finding import Reading, rfc3339
from alerts.subjects.events import EVENTS
from core.catalogue import catalogue
from core.clock import wall_time
from core.database import EPISODE_CHANNEL, Connection, load_queries
from core.reading import UNKNOWN

_queries = load_queries("alerts")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNNAMED = ("unknown", "unknown")
Names = Mapping[tuple[int, str, datetime], tuple[str, str]]
"""Gateway and device of a reading, by its key."""


async def write_changes(
    connection: Connection, changes: Sequence[tuple[int, Change]], *, now: datetime
) -> list[int]:
    """Write the changes of (subject, change); the ids of the episodes concerned."""
    if not changes:
        return []
    names = await _names(connection, (change for _, change in changes))
    opened: dict[tuple[int, str, str], int] = {}
    rows = [_opening(subject, change, names) for subject, change in changes if not change.episode]
    if rows:
        async for row in _queries.open_new(connection, rows=rows, now=now):
            opened[(row["subject"], row["kind"], row["origin"])] = row["id"]
    rows = [_changing(change, names) for _, change in changes if change.episode]
    if rows:
        await _queries.change(connection, rows=rows, now=now)
    events: list[dict[str, Any]] = []
    ids: list[int] = []
    for subject, change in changes:
        episode = change.episode.id if change.episode else opened[(subject, *change.key)]
        ids.append(episode)
        if change.what != "refreshed":
            detail = _detail(change, names)
            events.append({"episode": episode, "what": change.what, "detail": detail})
    if events:
        await _queries.record_events(connection, rows=events, now=now, wall=wall_time())
    await _queries.notify(connection, channel=EPISODE_CHANNEL, ids=ids)
    return ids


async def _names(connection: Connection, changes: Iterable[Change]) -> Names:
    """As they are registered; of a device that nobody knows, as the wire called them."""
    readings = [
        reading
        for change in changes
        if change.joined is not None
        for reading in change.joined.evidence
    ]
    known = {reading.device for reading in readings} - {UNKNOWN}
    unknown = [reading for reading in readings if reading.device == UNKNOWN]
    registered: dict[int, tuple[str, str]] = {}
    called: dict[tuple[int, datetime], tuple[str, str]] = {}
    if known:
        rows = _queries.device_names(connection, devices=list(known))
        registered = {row["id"]: (row["gateway"], row["device"]) async for row in rows}
    if unknown:
        rows = _queries.unknown_names(
            connection,
            metrics=[catalogue()[reading.metric].id for reading in unknown],
            times=[reading.time for reading in unknown],
        )
        called = {
            (row["metric"], row["time"]): (row["gateway"], row["device"]) async for row in rows
        }
    names = {}
    for reading in readings:
        number = catalogue()[reading.metric].id
        name = registered.get(reading.device) or called.get((number, reading.time), _UNNAMED)
        names[_key(reading)] = name
    return names


def _key(reading: Reading) -> tuple[int, str, datetime]:
    return (reading.device, reading.metric, reading.time)


def _opening(subject: int, change: Change, names: Names) -> dict[str, Any]:
    kind, origin = change.key
    return {
        "subject": subject,
        "kind": kind,
        "origin": origin,
        "severity": change.severity,
        "summary": change.summary,
        "evidence": evidence_of(change, names)[:KEEP_EVIDENCE],
    }


def _changing(change: Change, names: Names) -> dict[str, Any]:
    assert change.episode is not None  # noqa: S101 - the caller's choice of rows
    evidence: list[Any] | None = None
    if change.joined is not None:
        evidence = evidence_of(change, names)
        if change.what == "updated":
            evidence = [*evidence, *change.episode.evidence]
        evidence = evidence[:KEEP_EVIDENCE]
    return {
        "id": change.episode.id,
        "severity": change.severity,
        "highest": change.highest,
        "cleared_at": (
            change.cleared_at if change.what != "refreshed" else change.episode.cleared_at
        ),
        "ends_acknowledgement": change.ends_acknowledgement,
        "summary": change.summary,
        "evidence": evidence,
        "eventful": change.what != "refreshed",
    }


def _detail(change: Change, names: Names) -> dict[str, Any]:
    """What alerts.episodes.listing.Event says of `detail`."""
    if change.what == "cleared":
        return {}
    detail: dict[str, Any] = {"severity": change.severity, "summary": change.summary}
    if change.joined is not None:
        detail["evidence"] = evidence_of(change, names)
        events = [reading for reading in change.joined.evidence if reading.metric in EVENTS]
        if events:
            detail["events"] = [event_key(reading) for reading in events]
    if change.what in ("rose", "fell") and change.episode is not None:
        detail |= {"from": change.episode.severity, "to": change.severity}
    if change.ends_acknowledgement and change.episode is not None:
        detail["acknowledgement_ended"] = {
            "by": change.episode.acknowledged_by,
            "at": change.episode.acknowledged_at,
        }
    return detail


def event_key(reading: Reading) -> list[int]:
    """What an event is recognised by: device, metric, microseconds since 1970."""
    micros = (reading.time - _EPOCH) // timedelta(microseconds=1)
    return [reading.device, catalogue()[reading.metric].id, micros]


def evidence_of(change: Change, names: Names) -> list[dict[str, Any]]:
    """What alerts.episodes.listing.Card says of `evidence`."""
    joined = change.joined
    if joined is None:
        return []
    entries = []
    for reading in joined.evidence:
        gateway, device = names[_key(reading)]
        entry: dict[str, Any] = {
            "gateway": gateway,
            "device": device,
            "device_id": reading.device,
            "metric": reading.metric,
            "value": reading.value,
            "qualifier": reading.qualifier,
            "time": rfc3339(reading.time),
            "received_at": rfc3339(reading.received_at),
            "state": reading.state,
        }
        if reading.metric in joined.points:
            entry["points"] = joined.points[reading.metric]
        entries.append(entry)
    return entries
