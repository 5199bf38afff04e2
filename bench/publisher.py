"""Monitors of a whole county at their pace, from one process: packs of vital signs, and events.

The readings are made by the simulator beforehand and sent when they are due, with the moment of
sending as their time, so that a delay counts from there. Every message is numbered as a gateway
numbers it and sent at QoS 1; sending ends when the broker has acknowledged everything.
"""

from __future__ import annotations

import time
from collections import Counter
from multiprocessing.connection import Connection

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.line import Line
from core.wire import readings_topic
from gateway_sim.columns import Columns, channels
from gateway_sim.files_format import Manifest
from gateway_sim.files_write import county_of
from gateway_sim.made import Made
from gateway_sim.people import VITALS
from gateway_sim.reading import Reading
from gateway_sim.scenario import EVENT_DEVICES
from gateway_sim.senml import encode_pack

_BOOT = "0" * 16
_NAP_S = 0.002
_PATIENCE_S = 60.0


class Sent(msgspec.Struct):
    """What a publisher says at its end."""

    messages: int
    readings: int
    latest_s: float
    """The longest that a message was sent after it was due: the publisher's own delay, which no
    figure includes, as a reading's time is that of sending."""
    cpu_s: float


def publish(mqtt_url: str, run: Manifest, line: Connection) -> None:
    """Make a run's readings, say "ready", wait for a word, send everything in its time, tell.

    To be run in a process of its own; `line` gets "ready", then a `Sent` at the end.
    """
    made = Made(county_of(run), run)
    wanted = np.array([c.metric in VITALS or c.metric in EVENT_DEVICES for c in channels()])
    parts = []
    for low, high in run.slices():
        shown = made.shown(low, high, range(run.homes)).made
        parts.append(shown.take(np.flatnonzero(wanted[shown.channel])))
    rows = Columns.joined(parts).by_time()
    topics = [readings_topic(gateway) for gateway in made.gateways]
    line.send("ready")
    line.recv()
    line.send(_send(mqtt_url, rows, topics, run.start.timestamp()))


def _send(mqtt_url: str, rows: Columns, topics: list[str], zero: float) -> Sent:
    acknowledged = 0

    def on_publish(*_: object) -> None:
        nonlocal acknowledged
        acknowledged += 1

    line = Line(mqtt_url, "saimi-bench-county")
    line.client.on_publish = on_publish
    # What is due is sent, whatever the broker has not acknowledged yet.
    line.client.max_inflight_messages_set(65_535)
    line.open()
    names, numbers = channels(), Counter[int]()
    begins = _packs(rows)
    due = (rows.time[begins] / 1000.0 - zero).tolist()
    homes = rows.home[begins].tolist()
    ends = [*begins[1:].tolist(), len(rows)]
    channel, value = rows.channel.tolist(), rows.value.tolist()
    latest, cpu, began = 0.0, time.process_time(), time.monotonic()
    for place, (begin, end, at, home) in enumerate(zip(begins.tolist(), ends, due, homes,
                                                       strict=True)):  # fmt: skip
        while (early := at - (time.monotonic() - began)) > 0:
            line.turn(min(early, _NAP_S))
        latest = max(latest, -early)
        now = time.time()
        readings = [
            Reading(now, names[of].device, names[of].metric, shown)
            for of, shown in zip(channel[begin:end], value[begin:end], strict=True)
        ]
        numbers[home] += 1
        line.client.publish(topics[home], encode_pack(readings, _BOOT, numbers[home]), qos=1)
        if place % 32 == 0:
            line.turn(0.0)
    moved, before = time.monotonic(), -1
    while acknowledged < len(begins) and time.monotonic() - moved < _PATIENCE_S:
        line.turn(0.05)
        if acknowledged > before:
            moved, before = time.monotonic(), acknowledged
    cpu = time.process_time() - cpu
    line.close()
    return Sent(acknowledged, len(rows) if acknowledged == len(begins) else 0, latest, cpu)


def _packs(rows: Columns) -> NDArray[np.int64]:
    """Where each pack begins: what a home says at one moment goes together."""
    other = (rows.home[1:] != rows.home[:-1]) | (rows.time[1:] != rows.time[:-1])
    return np.concatenate(([0], np.flatnonzero(other) + 1))
