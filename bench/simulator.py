"""How fast a county is made and published, beside a bare paho that publishes the same messages.

Each kind is a real `saimi simulate` in a process of its own, which reports its processor time and
memory; the bare paho has its messages ready as bytes, so it makes nothing and only publishes.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.line import fill
from core.wire import readings_topic
from gateway_sim.files_format import Manifest
from gateway_sim.files_write import county_of
from gateway_sim.made import Made
from gateway_sim.replay import MOST_ROWS
from gateway_sim.senml import encode_pack

Simulate = Callable[[Sequence[str]], dict[str, Any]]
"""Runs `saimi simulate` with these options to its end; its report."""
Say = Callable[[str, int, int], object]
"""Is told what is being done, and how much of how much is done."""
_BOOT = "0" * 16
"""As long as any."""


class Generating(msgspec.Struct):
    """A county written to files."""

    homes: int
    readings: int
    seconds: float
    cpu_s: float
    readings_per_s: float
    """By CPU second: what one core makes when nothing else is running on it."""
    peak_memory_mb: float


class Bare(msgspec.Struct):
    """paho, publishing the same messages from memory."""

    seconds: float
    cpu_s: float
    readings_per_s: float
    """By `seconds`."""


class Publishing(msgspec.Struct):
    """A county made and published, until the broker has acknowledged everything."""

    homes: int
    readings: int
    messages: int
    seconds: float
    cpu_s: float
    readings_per_s: float
    """By `seconds`."""
    readings_per_cpu_s: float
    peak_memory_mb: float
    bare_paho: Bare
    ratio: float
    """Of the rates by time; 1 is as fast as publishing alone."""
    cpu_ratio: float
    """Of the rates by CPU second, which other work on the machine does not falsify."""


class Report(msgspec.Struct):
    """What `saimi bench simulator` prints."""

    broker: str
    cores: int
    generating: Generating
    publishing: Publishing


def generating(simulate: Simulate, options: Sequence[str]) -> Generating:
    """Write a county into a folder that is removed afterwards.

    Raises:
        SaimiError: it did not work.
    """
    with tempfile.TemporaryDirectory(prefix="saimi-bench-") as folder:
        told = simulate([*options, "--speed", "max", "--out", str(Path(folder) / "county")])
    return msgspec.convert(told, Generating)


def publishing(
    simulate: Simulate, options: Sequence[str], run: Manifest, mqtt_url: str, say: Say
) -> Publishing:
    """Make and publish a county, then publish the same messages with a bare paho.

    Args:
        run: what `options` ask for.

    Raises:
        SaimiError: the broker is away, or takes no more.
    """
    told = simulate([*options, "--speed", "max"])
    bare = _bare(run, mqtt_url, told["readings"], told["messages"], say)
    bare_per_cpu = told["readings"] / bare.cpu_s
    return msgspec.convert(
        {
            **told,
            "bare_paho": bare,
            "ratio": told["readings_per_s"] / bare.readings_per_s,
            "cpu_ratio": told["readings_per_cpu_s"] / bare_per_cpu,
        },
        Publishing,
        from_attributes=True,
    )


def _bare(run: Manifest, url: str, readings: int, messages: int, say: Say) -> Bare:
    say("Making the same messages", 0, messages)
    numbers: Counter[str] = Counter()
    ready = []
    for pack in Made(county_of(run), run).packs(MOST_ROWS):
        numbers[pack.gateway] += 1
        payload = encode_pack(pack.readings, _BOOT, numbers[pack.gateway])
        ready.append((readings_topic(pack.gateway), payload))
    began, cpu = time.monotonic(), time.process_time()
    fill(url, ready, lambda done: say("Publishing with a bare paho", done, len(ready)))
    seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu
    return Bare(seconds, cpu_s, readings / seconds)
