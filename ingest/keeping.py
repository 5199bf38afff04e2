"""How refused records and messages are kept: as columns of `telemetry.rejected`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ingest.batch import Batch, Refused
from ingest.instants import moment

_MAX_TOPIC = 1_000
_MAX_GATEWAY = 200
_encode = msgspec.json.Encoder().encode


def rejected_columns(batch: Batch, refused: Sequence[Refused]) -> dict[str, list[Any]]:
    """The rows of `refused` as arrays in step, free of what PostgreSQL takes no text for."""
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "received_at", "gateways", "topics", "reasons", "details", "records", "payloads",
            "sizes", "boots", "seqs",
        )
    }  # fmt: skip
    for one in refused:
        origin = batch.messages[one.message]
        columns["received_at"].append(moment(origin.arrival))
        columns["gateways"].append(_text(origin.gateway[:_MAX_GATEWAY]))
        columns["topics"].append(_text(origin.topic[:_MAX_TOPIC]))
        columns["reasons"].append(one.reason)
        columns["details"].append(_text(one.sentence))
        columns["records"].append(None if one.record is None else _json(one.record.shown()))
        columns["payloads"].append(one.payload)
        columns["sizes"].append(origin.size)
        columns["boots"].append(None if origin.boot is None else _text(origin.boot))
        columns["seqs"].append(origin.seq)
    return columns


def _text(text: str) -> str:
    """Without NUL and lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _json(record: dict[str, Any]) -> str:
    """JSON; NUL as the escape `\\u0000` is what jsonb refuses, and infinity is null."""
    return _text(_encode(record).decode()).replace("\\u0000", "\\ufffd")
