"""Times of the newest readings, as the server sends them: microseconds since 2000, big-endian."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerts.worker.newest import Moments


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        (0, datetime(2000, 1, 1, tzinfo=UTC)),
        (-1, datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        (849_484_800_123_456, datetime(2026, 12, 2, 0, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_a_time_is_exact_to_the_microsecond(sent: int, moment: datetime) -> None:
    assert Moments()[sent.to_bytes(8, signed=True)] == moment


def test_a_time_that_readings_share_is_made_once() -> None:
    moments = Moments()
    pack = (1_000_000).to_bytes(8)
    assert moments[pack] is moments[bytes(pack)]
    assert len(moments) == 1
