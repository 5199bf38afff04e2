"""What is kept besides readings, as columns: the refused, and what has no owner yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.reading import State
from ingest.batch import Batch, Refused
from ingest.instants import moment

_MAX_TOPIC = 1_000
_MAX_GATEWAY = 200
_MAX_INDEX = 32_767
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


def held_columns(batch: Batch, rows: NDArray[np.void]) -> dict[str, list[Any]]:
    """`rows` (of `batch.ROW`) of shared devices as arrays in step, with what the device said."""
    records = [batch.records[number] for number in rows["record"].tolist()]
    return {
        "devices": rows["device"].tolist(),
        "metrics": rows["metric"].tolist(),
        "times": [moment(at) for at in rows["time"].tolist()],
        "user_indexes": [
            None if record.user is None else max(0, min(record.user, _MAX_INDEX))
            for record in records
        ],
        "states": [int(State.SUSPECT if record.suspect else State.OK) for record in records],
    }


def _text(text: str) -> str:
    """Without NUL and lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _json(record: dict[str, Any]) -> str:
    """JSON; NUL as the escape `\\u0000` is what jsonb refuses, and infinity is null."""
    return _text(_encode(record).decode()).replace("\\u0000", "\\ufffd")
