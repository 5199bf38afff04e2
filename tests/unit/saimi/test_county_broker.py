"""The bridge of a home hands on every source that ingest reads, as the docs say."""

from __future__ import annotations

import re
from pathlib import Path

from ingest.decoders import SOURCES
from saimi.county_broker import Credentials, bridge_configuration

PROJECT = Path(__file__).parents[3]
SHIPPED = PROJECT / "deploy" / "home" / "mosquitto-bridge.conf"


def forwarded(configuration: str) -> dict[str, list[str]]:
    """Topics of the home by the source as which they arrive in the county."""
    found: dict[str, list[str]] = {}
    lines = re.findall(r"^topic (\S+) out 1 (\S+) saimi/v1/GATEWAY/(\w+)/$", configuration, re.M)
    for pattern, cut, source in lines:
        prefix = "" if cut == '""' else cut
        found.setdefault(source, []).append(prefix + pattern)
    return found


def documented() -> dict[str, list[str]]:
    """The same, as docs/sources.md has it."""
    text = (PROJECT / "docs" / "sources.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", text, re.M)
    return {source: re.findall("`([^`]+)`", topics) for source, topics in rows}


def test_what_is_shipped_is_what_is_made() -> None:
    made = bridge_configuration("GATEWAY", "broker.example.org:8883", Credentials("PASSWORD"))
    assert SHIPPED.read_text(encoding="utf-8") == made


def test_every_source_has_its_line_in_the_bridge_and_in_the_docs() -> None:
    found = forwarded(SHIPPED.read_text(encoding="utf-8"))
    assert found.keys() == SOURCES.keys()
    assert documented() == found
