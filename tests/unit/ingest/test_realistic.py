"""What real programs send means what their documentation says (`realistic.py`)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from core.catalogue import catalogue
from ingest.decode import DecodeState, decode_line
from tests.unit.ingest.realistic import REFUSED, SERIES, Said

ARRIVAL = 1_790_000_000.0


def meaning(readings: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    """Each reading's value in the catalogue's unit, rounded, by device and metric."""
    found: dict[tuple[str, str], float] = {}
    for one in readings:
        metric = catalogue()[one["metric"]]
        conversion = metric.conversion(one["unit"])
        assert conversion is not None, one
        key = (one["device"], metric.name)
        assert key not in found, "twice"
        found[key] = one["value"] * conversion.factor + conversion.offset
    return found


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series[-1].topic[:40])
def test_a_series_means_what_is_documented(series: list[Said]) -> None:
    state = DecodeState(ARRIVAL)
    for one in series:
        if isinstance(one.payload, bytes):
            body = {"payload": base64.b64encode(one.payload).decode(), "encoding": "base64"}
        else:
            body = {"payload": one.body().decode()}
        line = json.dumps({"topic": one.topic, **body})
        result = decode_line(line.encode(), state)
        if one.means == REFUSED:
            assert result["rejected"], one
            assert result["readings"] == []
            continue
        assert result["rejected"] is None, (one, result["rejected"])
        told = [text.rsplit(" ", 2) for text in one.means]
        expected = {(device, metric): float(value) for device, metric, value in told}
        got = meaning(result["readings"])
        assert got.keys() == expected.keys(), one
        assert got == pytest.approx(expected, rel=1e-3), one
