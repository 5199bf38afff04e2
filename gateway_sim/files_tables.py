"""A county and its readings as the columns of a simulation's files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.catalogue import catalogue
from gateway_sim import files_format as form
from gateway_sim.columns import channels
from gateway_sim.county import County
from gateway_sim.effects import Shown, renumbered
from gateway_sim.ledger import TruthFault


class Names:
    """What the numbers in columns are called, as dictionaries."""

    def __init__(self, gateways: Sequence[str], first: int) -> None:
        known = channels()
        self._first = first
        self._gateways = pa.array(gateways, pa.string())
        self._of: dict[str, tuple[NDArray[np.int32], pa.Array]] = {}
        for name, texts in (
            ("device", [channel.device for channel in known]),
            ("metric", [channel.metric for channel in known]),
            ("unit", [catalogue()[channel.metric].unit for channel in known]),
        ):
            distinct = sorted(set(texts))
            codes = np.array([distinct.index(text) for text in texts], dtype=np.int32)
            self._of[name] = codes, pa.array(distinct, pa.string())

    def table(self, shown: Shown) -> pa.Table:
        """Rows as a table of the readings' columns."""
        made = shown.made
        columns = {
            "gateway": _coded(made.home - np.int32(self._first), self._gateways),
            "time": pa.array(shown.time, pa.int64()).cast(form.READING.field("time").type),
            "value": pa.array(shown.value, pa.float64()),
            "qualifier": pa.array(shown.qualifier),
            "ahead_ms": pa.array(shown.time - made.time, pa.int64()),
        }
        for name, (codes, texts) in self._of.items():
            columns[name] = _coded(codes[made.channel], texts)
        if shown.shift.any():
            columns["device"] = _renumbered(shown)
        return pa.table([columns[name] for name in form.READING.names], schema=form.READING)


def _renumbered(shown: Shown) -> pa.Array:
    """The names of devices where those of some are off."""
    both = 256 * shown.made.channel.astype(np.int64) + shown.shift.astype(np.int64) + 128
    distinct, place = np.unique(both, return_inverse=True)
    said = [
        renumbered(channels()[channel].device, shifted - 128)
        for channel, shifted in (divmod(pair, 256) for pair in distinct.tolist())
    ]
    texts = sorted(set(said))
    codes = np.array([texts.index(text) for text in said], dtype=np.int32)
    return _coded(codes[place], pa.array(texts, pa.string()))


def _coded(codes: NDArray[np.int32], texts: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), texts)


def faults(found: Sequence[TruthFault]) -> dict[str, list[Any]]:
    return {
        "kind": [one.kind for one in found],
        "gateway": [one.gateway for one in found],
        "device": [one.device or None for one in found],
        "start": [round(1000.0 * one.start) for one in found],
        "end": [round(1000.0 * one.end) for one in found],
    }


def homes(county: County) -> dict[str, list[Any]]:
    return {
        "gateway": [home.gateway for home in county.homes],
        "area": [home.area for home in county.homes],
        "clients": [len(home.residents) for home in county.homes],
        "monitored": [home.monitored for home in county.homes],
    }


def clients(county: County) -> dict[str, list[Any]]:
    return {
        "client": [resident.reference for resident in county.residents],
        "gateway": [home.gateway for home in county.home_of],
        "born": [resident.born for resident in county.residents],
        "conditions": [resident.conditions for resident in county.residents],
    }


def devices(county: County) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in form.DEVICE.names}
    for home in county.homes:
        models = home.devices
        alone = home.residents[0].reference if len(home.residents) == 1 else None
        columns["gateway"] += [home.gateway] * len(models)
        columns["device"] += [model.name for model in models]
        columns["kind"] += [model.kind for model in models]
        columns["location"] += [model.location for model in models]
        columns["client"] += [
            alone if model.resident is None else home.residents[model.resident].reference
            for model in models
        ]
        columns["silent_after_minutes"] += [model.silent_after_minutes for model in models]
    return columns
