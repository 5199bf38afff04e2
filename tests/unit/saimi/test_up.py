"""When a trial has succeeded."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import SaimiError
from saimi.commands.up import require_sound
from saimi.trial import Report


def _report(**values: Any) -> Report:
    content: dict[str, Any] = {
        "seconds": 45.0,
        "homes": 20,
        "messages": 100,
        "published": 1000,
        "committed": 1000,
        "duplicates": 0,
        "lost": 0,
        "rejected": 0,
        "unreceipted": 0,
        "alerts_opened": 1,
        "reading_to_alert_ms": {},
        "database": {},
        "broker": "",
    }
    return Report(**(content | values))


def test_a_trial_that_lost_nothing_has_succeeded() -> None:
    require_sound(_report())


@pytest.mark.parametrize(
    ("values", "words"), [({"lost": 1}, "1 readings were sent"), ({"messages": 0}, "sent nothing")]
)
def test_a_loss_or_silence_is_no_success(values: dict[str, int], words: str) -> None:
    with pytest.raises(SaimiError, match=words):
        require_sound(_report(**values))
