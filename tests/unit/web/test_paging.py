"""Cursors: what was made comes back, and whatever else is given is none."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.paging import LONGEST, NoCursorError, behind, cursor

_TIMES = st.datetimes(datetime(1900, 1, 2), datetime(2300, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.integers(-4, 0), _TIMES, st.integers(1, 2**31 - 1))
def test_a_cursor_comes_back(urgency: int, at: datetime, number: int) -> None:
    word = cursor((urgency, at, number))
    assert len(word) <= LONGEST
    assert behind(word) == (urgency, at, number)


@given(st.text())
def test_anything_else_is_refused(word: str) -> None:
    with pytest.raises(NoCursorError):
        behind(word)


@pytest.mark.parametrize("content", ['[1,"2026-01-01T00:00:00+00:00",1]', '[-4,"2026-01-01",1]'])
def test_a_place_that_cannot_be_is_refused(content: str) -> None:
    with pytest.raises(NoCursorError):
        behind(base64.urlsafe_b64encode(content.encode()).decode())
