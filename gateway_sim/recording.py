"""What can be sent as if the gateways of its homes said it now: recorded, or made on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from core.registry import Document
from gateway_sim.reading import Reading

_PENDING = 200_000
"""Rows in packs that are not full, before all of them are handed on."""


class Row(NamedTuple):
    """One reading of one home as it was recorded."""

    gateway: str
    reading: Reading
    """NaN where it is no number: then `text` has what it is."""
    at: float
    """Unix seconds at which it was measured, whatever the device's clock says."""
    unit: str | None = None
    """What it is given in; None: the catalogue's unit."""
    text: str = ""


class Pack(NamedTuple):
    """Readings of one home that go into one message, in the order of measuring."""

    gateway: str
    readings: Sequence[Reading]
    units: Sequence[str | None] | None = None
    """As `Row.unit`; None: all in the catalogue's."""
    texts: Mapping[int, str] | None = None
    """By place, of those that are no number."""


class Recorded(Protocol):
    """Readings of some homes over some time."""

    @property
    def gateways(self) -> Sequence[str]:
        """Of all homes."""
        ...

    @property
    def rows(self) -> int | None:
        """How many readings; None: known only once they are made."""
        ...

    @property
    def first(self) -> float:
        """Unix seconds of the first reading, or no later."""
        ...

    @property
    def last(self) -> float:
        """Unix seconds of the last reading, or no earlier."""
        ...

    def document(self) -> Document:
        """The homes as a registry document."""
        ...

    def in_order(self) -> Iterator[Row]:
        """All readings in the order of measuring; memory is bounded."""
        ...

    def packs(self, most: int) -> Iterator[Pack]:
        """All readings in packs of at most `most`, each home's in the order of measuring; memory is
        bounded. Which home comes when is whatever is fastest."""
        ...


def packed(rows: Iterable[Row], most: int) -> Iterator[Pack]:
    """Packs of at most `most` rows, each home's in the order in which they come."""
    waiting: dict[str, list[Row]] = defaultdict(list)
    pending = 0
    for row in rows:
        mine = waiting[row.gateway]
        mine.append(row)
        pending += 1
        if len(mine) >= most:
            yield pack_of(waiting.pop(row.gateway))
            pending -= len(mine)
        elif pending >= _PENDING:
            yield from map(pack_of, waiting.values())
            waiting.clear()
            pending = 0
    yield from map(pack_of, waiting.values())


def pack_of(rows: Sequence[Row]) -> Pack:
    """Some rows of one home as one pack."""
    return Pack(
        rows[0].gateway,
        [row.reading for row in rows],
        [row.unit for row in rows],
        {n: row.text for n, row in enumerate(rows) if row.reading.value != row.reading.value},
    )
