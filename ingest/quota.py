"""Keeps what was refused within bounds, and counts all of it.

Of each gateway the first ones are kept, since they show how a fault began, until its quota is full;
what comes then is only counted, until some are retried or expire. A flood thus costs counters, not
disk, and takes nothing from other gateways. Nobody's gateways share one quota.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.database import Connection, load_queries
from core.settings import Settings
from ingest.batch import Batch, Refused
from ingest.instants import moment
from ingest.keeping import rejected_columns
from ingest.touched import HELSINKI, days

MIB = 1024 * 1024
MOST_NAMES = 1_000
"""Counters a day for gateways that nobody has registered; beyond, they are counted as others."""
_ROW_BYTES = 200  # of a kept row besides payload and record


@dataclass(frozen=True)
class Quota:
    """How much is kept at a time of what was refused."""

    gateway_rows: int = 10_000
    gateway_bytes: int = 16 * MIB
    rows: int = 500_000
    """Of all gateways; several workers may exceed it by a batch each."""
    bytes: int = 1024 * MIB

    @classmethod
    def of(cls, settings: Settings) -> Quota:
        """As the settings say."""
        return cls(
            settings.rejected_gateway_rows,
            settings.rejected_gateway_mb * MIB,
            settings.rejected_rows,
            settings.rejected_mb * MIB,
        )


async def keep_refused(
    connection: Connection, batch: Batch, refused: Sequence[Refused], quota: Quota
) -> int:
    """Keep what fits and count everything, in the caller's transaction; how many were kept.

    What is tried again (its message is not `counted`) was counted and had its place before.
    """
    queries = load_queries("ingest")
    charged = [batch.messages[one.message].gateway_id for one in refused]
    gateways = sorted(set(charged))
    await queries.open_quotas(connection, gateways=gateways)
    room = {
        row["gateway"]: [quota.gateway_rows - row["rows"], quota.gateway_bytes - row["bytes"]]
        async for row in queries.lock_quotas(connection, gateways=gateways)
    }
    used = await queries.used_quota(connection)
    left = [quota.rows - used["rows"], quota.bytes - used["bytes"]]
    kept: list[Refused] = []
    sizes: list[int] = []
    places: list[int] = []
    for place, (one, gateway) in enumerate(zip(refused, charged, strict=True)):
        again = not batch.messages[one.message].counted
        of_gateway = room[gateway]
        if not again and (of_gateway[0] <= 0 or left[0] <= 0):
            continue
        size = _ROW_BYTES + len(one.payload or b"")
        if one.record is not None:
            size += len(repr(one.record))
        if not again and (size > of_gateway[1] or size > left[1]):
            continue
        for bound in (of_gateway, left):
            bound[0] -= 1
            bound[1] -= size
        kept.append(one)
        sizes.append(size)
        places.append(place)
    if kept:
        owners = [charged[place] for place in places]
        await queries.keep_rejected(
            connection, **rejected_columns(batch, kept), charged=owners, bytes=sizes
        )
        await queries.charge_quotas(connection, charged=owners, bytes=sizes)
    counts = _counts(batch, refused, set(places))
    if counts["gateways"]:
        await queries.count_refused(connection, **counts, most=MOST_NAMES)
    return len(kept)


def _counts(batch: Batch, refused: Sequence[Refused], kept: set[int]) -> dict[str, list[Any]]:
    """By gateway, reason and day of arrival, as arrays in step and in the order of the key."""
    arrivals = np.array([batch.messages[one.message].arrival for one in refused], dtype=np.int64)
    groups: dict[tuple[str, str, int, bool], list[int]] = defaultdict(list)
    names = rejected_columns(batch, [one._replace(record=None, payload=None) for one in refused])
    for place, (one, day) in enumerate(zip(refused, days(arrivals).tolist(), strict=True)):
        origin = batch.messages[one.message]
        if origin.counted:
            key = (names["gateways"][place], one.reason, day, bool(origin.gateway_id))
            groups[key].append(place)
    ordered = sorted(groups.items())
    return {
        "gateways": [key[0] for key, _ in ordered],
        "reasons": [key[1] for key, _ in ordered],
        "days": [moment(key[2]).astimezone(HELSINKI).date() for key, _ in ordered],
        "known": [key[3] for key, _ in ordered],
        "counts": [len(places) for _, places in ordered],
        "kept": [len(kept.intersection(places)) for _, places in ordered],
        "first_at": [moment(int(arrivals[places].min())) for _, places in ordered],
        "last_at": [moment(int(arrivals[places].max())) for _, places in ordered],
    }
