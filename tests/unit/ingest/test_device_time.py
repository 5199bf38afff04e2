"""Clocks that cannot be right, and how far their gateway's clock bounds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.device_time import AHEAD, UNSET_BEFORE, Fault, Offset, offset

ARRIVAL = 1_777_636_800.0
MADE = ARRIVAL - 5
YEAR = 365 * 86_400.0


def test_nothing_is_touched_where_nothing_is_in_doubt() -> None:
    assert offset([ARRIVAL - 86_400, ARRIVAL + AHEAD], MADE, ARRIVAL) is None


def test_a_clock_that_was_never_set_is_read_from_its_newest_reading() -> None:
    assert offset([100.0, 400.0], MADE, ARRIVAL) == Offset(Fault.UNSET, MADE - 400)


def test_a_clock_that_runs_ahead_is_set_back_to_the_gateways() -> None:
    ahead = [ARRIVAL + YEAR, ARRIVAL + YEAR - 60]
    assert offset(ahead, MADE, ARRIVAL) == Offset(Fault.AHEAD, MADE - ahead[0])


def test_a_gateway_that_runs_ahead_itself_is_bounded_by_the_arrival_only() -> None:
    made = ARRIVAL + 7_200
    found = offset([made - 30], made, ARRIVAL)
    assert found == Offset(Fault.GATEWAY_AHEAD, -7_200)
    assert not found.certain


@pytest.mark.parametrize(
    ("times", "made"),
    [
        ([100.0], None),  # nothing bounds it
        ([100.0], 200.0),  # the gateway's clock was never set either
        ([100.0, ARRIVAL + YEAR], MADE),  # jumped within the message
        ([ARRIVAL + YEAR], ARRIVAL + 7_200),  # both wrong, and not in the same way
        ([float("nan")], MADE),
        ([100.0], float("inf")),
    ],
)
def test_what_nothing_bounds_is_left_alone(times: list[float], made: float | None) -> None:
    assert offset(times, made, ARRIVAL) is None


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=5),
    st.none() | st.floats(allow_nan=True, allow_infinity=True),
)
def test_no_corrected_time_is_later_than_the_arrival_allows(
    times: list[float], made: float | None
) -> None:
    found = offset(times, made, ARRIVAL)
    if found is None:
        return
    for time in times:
        if not UNSET_BEFORE <= time <= ARRIVAL + AHEAD and abs(time) < 1e11:
            assert time + found.seconds <= ARRIVAL + AHEAD + 1
