"""Percentiles, and the events of a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import EmbeddedError, UserError
from core.server_sent import events
from saimi.data_directory import DataDirectory, new_password
from saimi.reckoning import percentile


def test_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7
    assert percentile([], 0.5) is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1.0))
def test_percentile_is_not_exceeded_by_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found is not None
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


STREAM = (
    b": welcome\n\nevent: snapshot\r\ndata: {}\r\n\r\n"
    b"data: first\ndata: second\n\nevent: episode\ndata: "
    + b"x" * 300_000
    + b"\n\nevent: cut off\ndata: in the mid"
)


@pytest.mark.parametrize("size", [1, 7, 4096, len(STREAM)])
async def test_events_are_taken_apart_however_they_arrive(size: int) -> None:
    if size == 1:
        stream, expected = STREAM[:60], [("snapshot", b"{}")]
    else:
        stream = STREAM
        expected = [("snapshot", b"{}"), ("message", b"firstsecond"), ("episode", b"x" * 300_000)]

    async def chunks() -> AsyncIterator[bytes]:
        for first in range(0, len(stream), size):
            yield stream[first : first + size]

    assert [event async for event in events(chunks())] == expected


async def test_one_at_a_time_on_a_data_directory(tmp_path: Path) -> None:
    async with DataDirectory(tmp_path) as held:
        with pytest.raises(EmbeddedError, match="Another Saimi is already running"):
            await DataDirectory(tmp_path).acquire()
        held.write("logins.json", {"a": "b"})
        assert (tmp_path / "logins.json").stat().st_mode & 0o777 == 0o600
        assert held.read("logins.json") == {"a": "b"}
        assert held.read("county.json") == {}
    async with DataDirectory(tmp_path) as again:
        (tmp_path / "logins.json").write_text("{")
        with pytest.raises(UserError, match=r"logins\.json cannot be read"):
            again.read("logins.json")


async def test_a_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="cannot be used"):
        await DataDirectory(tmp_path / "file" / "data").acquire()


def test_passwords_differ() -> None:
    assert len({new_password() for _ in range(100)}) == 100
