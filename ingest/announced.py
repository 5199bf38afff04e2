"""Devices a known gateway spoke of that nobody has registered: a person says what they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.wire import MAX_NAME
from ingest.batch import Batch, Refused
from ingest.instants import moment

MOST_DEVICES = 100
"""A gateway announces no more; a home has tens, and names made up by the thousand fill no disk."""
_MOST_METRICS = 16


def announced_columns(batch: Batch, refused: Sequence[Refused]) -> dict[str, list[Any]]:
    """Of `refused`, the unknown devices of known gateways, as arrays in step, in order of key.

    `metrics` are joined by spaces. A name that no device may have is left out: what it sent is
    with the rejected, and it cannot be registered anyhow.
    """
    found: dict[tuple[int, str], tuple[set[str], int, int]] = {}
    for one in refused:
        if one.reason != "unknown_device" or one.record is None:
            continue
        origin, channel = batch.messages[one.message], one.record.channel
        if not origin.gateway_id or not _may_be_called(channel.device):
            continue
        metrics, first, last = found.setdefault(
            (origin.gateway_id, channel.device), (set(), origin.arrival, origin.arrival)
        )
        if (
            len(metrics) < _MOST_METRICS
            and _may_be_called(channel.metric)
            and (" " not in channel.metric)
        ):
            metrics.add(channel.metric)
        found[origin.gateway_id, channel.device] = (
            metrics,
            min(first, origin.arrival),
            max(last, origin.arrival),
        )
    keys = sorted(found)
    return {
        "gateways": [gateway for gateway, _ in keys],
        "devices": [device for _, device in keys],
        "metrics": [" ".join(sorted(found[key][0])) for key in keys],
        "first_at": [moment(found[key][1]) for key in keys],
        "last_at": [moment(found[key][2]) for key in keys],
    }


def _may_be_called(name: str) -> bool:
    return 1 <= len(name) <= MAX_NAME and name.isprintable()
