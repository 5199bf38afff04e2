"""The values of routing.toml: what contradicts itself is refused, with its line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerts.finding import Severity
from alerts.routing.values import SHIPPED, RoutingError, parse_values, shipped_values

TEXT = SHIPPED.read_text(encoding="utf-8")


def line_of(start: str, section: str) -> int:
    lines = TEXT.splitlines()
    head = next((n for n, line in enumerate(lines) if line.startswith(f"[{section}]")), 0)
    return next(n for n in range(head, len(lines)) if lines[n].startswith(start)) + 1


def changed(section: str, key: str, value: str) -> str:
    lines = TEXT.splitlines()
    number = line_of(f"{key} =", section) - 1
    lines[number] = f"{key} = {value}"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("severity.emergency", "unseen_min", "0"),
        ("severity.emergency", "unseen_min", "nan"),
        ("severity.emergency", "unseen_min", "20000"),
        ("severity.emergency", "lease_min", "60.5"),  # longer than that of urgent
        ("severity.emergency", "remind_min", "10.5"),
        ("severity.urgent", "pages", '"working_hours"'),
        ("severity.urgent", "pages", '"never"'),
        ("severity.urgent", "handover_min", "61"),
        ("severity.urgent", "unseen_min", "11"),
        ("severity.attention", "unseen_min", "481"),
        ("working_hours", "end", '"08:00"'),
        ("working_hours", "start", '"8"'),
        ("working_hours", "days", "[]"),
        ("travel", "speed_kmh", "900"),
        ("travel", "road_factor", "0.5"),
        ("neighbours", "most", '"two"'),
        ("", "service", '""'),
    ],
)
def test_a_wrong_value_is_named_with_its_line(section: str, key: str, value: str) -> None:
    with pytest.raises(RoutingError) as refused:
        parse_values(changed(section, key, value))
    said = str(refused.value)
    assert f"key {key}" in said
    assert f"line {line_of(f'{key} =', section)}:" in said, said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace("[severity.review]", "[severity.later]"), "later"),
        (TEXT + "\n[more]\n", "more"),
        (TEXT.replace("[travel]", "[travel"), "is not TOML"),
    ],
)
def test_a_file_with_other_sections_is_refused(text: str, said: str) -> None:
    with pytest.raises(RoutingError, match=said):
        parse_values(text)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-12T09:00", "2026-01-12T09:00"),  # a Monday, 11:00 in the county
        ("2026-01-12T05:59", "2026-01-12T06:00"),
        ("2026-01-12T14:00", "2026-01-13T06:00"),
        ("2026-01-16T20:00", "2026-01-19T06:00"),
        ("2026-12-23T20:00", "2026-12-28T06:00"),  # over Christmas
        ("2026-03-27T20:00", "2026-03-30T05:00"),  # over the beginning of summer time
    ],
)
def test_working_hours_are_the_countys_and_heed_days_off(now: str, expected: str) -> None:
    hours = shipped_values().working_hours
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert hours.next(at) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_only_what_can_wait_waits_for_working_hours() -> None:
    assert [s for s in Severity if shipped_values().of(s).pages != "always"] == [Severity.REVIEW]
