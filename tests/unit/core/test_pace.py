"""A pace holds back only what follows closely."""

from __future__ import annotations

from core.pace import Pace


def test_the_first_goes_at_once_and_the_next_waits_for_its_time() -> None:
    now = 100.0
    pace = Pace(0.5, lambda: now)
    assert pace.left() == 0.0
    pace.step()
    now += 0.25
    assert pace.left() == 0.25
    now += 0.25
    assert pace.left() == 0.0
    now += 1000.0
    pace.step()
    assert pace.left() == 0.5
