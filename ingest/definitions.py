"""What messages have told of how to read later ones, as far as it is needed at the moment.

A list of devices, a discovery, a birth is learned as soon as it is decoded, so it holds for the
messages behind it, and it is stored in the transaction that stores its batch. Gateways are read
when first heard and kept within a bound; what another worker has learned is heard (LISTEN) and read
anew. What is learned and not committed yet is laid over what is read.

How much a gateway may tell is bounded. What goes beyond is refused with a reason, as a message that
cannot be read is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from core.database import Connection, load_queries, translated
from ingest.decoders.record import DecodeError
from ingest.instants import moment

MOST_KEYS = 4_000
"""Of one gateway, over all its sources: a home with fifty devices announces about a thousand."""
MOST_BYTES = 1024 * 1024
"""Of one gateway's keys and definitions, as JSON."""
MOST_KEY_BYTES = 1_000
"""A longer one fits into no index (and names no device)."""
MAX_KEPT_BYTES = 64 * 1024 * 1024
"""Kept in memory, over all gateways; those of the messages in hand stay in any case."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_NONE: Mapping[str, Any] = {}


class Learned(NamedTuple):
    """What one message has told."""

    gateway: str
    source: str
    arrival: int
    """Microseconds since 1970; of two workers the later word stands."""
    entries: Mapping[str, str | None]
    """JSON by key; None: forget the key."""
    ticket: int
    """By which `Definitions.settle` knows it."""


class _Known:
    """One gateway's."""

    __slots__ = ("bytes", "sizes", "sources", "stale")

    def __init__(self) -> None:
        self.sources: dict[str, dict[str, Any]] = {}
        self.sizes: dict[tuple[str, str], int] = {}
        self.bytes = 0
        self.stale = False

    def put(self, source: str, key: str, definition: str | None) -> None:
        self.bytes -= self.sizes.pop((source, key), 0)
        if definition is None:
            self.sources.get(source, {}).pop(key, None)
            return
        self.sources.setdefault(source, {})[key] = _decode(definition)
        size = self.sizes[source, key] = _size(key, definition)
        self.bytes += size


class Definitions:
    """Definitions of the gateways heard of late; ask `load` first, then `known` and `learn`."""

    def __init__(
        self,
        *,
        most_keys: int = MOST_KEYS,
        most_bytes: int = MOST_BYTES,
        max_kept_bytes: int = MAX_KEPT_BYTES,
    ) -> None:
        self._most_keys = most_keys
        self._most_bytes = most_bytes
        self._max_kept_bytes = max_kept_bytes
        self._kept: OrderedDict[str, _Known] = OrderedDict()
        self._bytes = 0
        self._in_flight: dict[int, Learned] = {}
        self._tickets = 0

    def known(self, gateway: str, source: str) -> Mapping[str, Any]:
        """What is known of a gateway's source by now; nothing of a gateway that was not loaded."""
        kept = self._kept.get(gateway)
        return _NONE if kept is None else kept.sources.get(source, _NONE)

    def learn(
        self, gateway: str, source: str, told: Mapping[str, Any], arrival: int
    ) -> Learned | None:
        """Let what a message told hold from now on; None where nothing of it is new, or the gateway
        was not loaded.

        It is in flight, and survives a `load`, until `settle`.

        Raises:
            DecodeError: nothing was learned, since it cannot be kept, or is too much.
        """
        kept = self._kept.get(gateway)
        if kept is None:
            return None
        entries: dict[str, str | None] = {}
        keys, size = len(kept.sizes), kept.bytes
        for key, definition in told.items():
            before = kept.sizes.get((source, key))
            text = None if definition is None else _json(key, definition)
            if text is None:
                if before is None:
                    continue
                keys, size = keys - 1, size - before
            else:
                if before is not None and kept.sources[source][key] == definition:
                    continue
                keys += before is None
                size += _size(key, text) - (before or 0)
            entries[key] = text
        more = keys > len(kept.sizes) or size > kept.bytes
        if more and (keys > self._most_keys or size > self._most_bytes):
            raise DecodeError(
                "too_many_definitions",
                f"With this the gateway would have {keys:,} definitions of {size:,} bytes; no more "
                f"than {self._most_keys:,} of {self._most_bytes:,} bytes are kept of a gateway.",
            )
        if not entries:
            return None
        self._bytes -= kept.bytes
        for key, text in entries.items():
            kept.put(source, key, text)
        self._bytes += kept.bytes
        self._tickets += 1
        learned = Learned(gateway, source, arrival, entries, self._tickets)
        self._in_flight[learned.ticket] = learned
        return learned

    def settle(self, learned: Iterable[Learned]) -> None:
        """These are in the database, or with somebody else who will see to it."""
        for one in learned:
            self._in_flight.pop(one.ticket, None)

    def forget(self, gateway: str | None = None) -> None:
        """Of a gateway (None: of any) something has changed, or may have: read it anew."""
        if gateway is None:
            for kept in self._kept.values():
                kept.stale = True
        elif gateway in self._kept:
            self._kept[gateway].stale = True

    async def load(self, connection: Connection, gateways: Collection[str]) -> None:
        """Read what is missing of `gateways`, so that `known` and `learn` know each until the next
        `load`.

        Raises:
            DatabaseUnavailableError: the database is away.
        """
        missing = []
        for name in gateways:
            kept = self._kept.get(name)
            if kept is None or kept.stale:
                missing.append(name)
            else:
                self._kept.move_to_end(name)
        if missing:
            for name in missing:  # what is told while it is read makes it stale again
                self._kept[name] = self._kept.get(name) or _Known()
                self._kept[name].stale = False
            # Noted before reading: what is committed meanwhile may be read or not.
            in_flight = [one for one in self._in_flight.values() if one.gateway in missing]
            try:
                found = await _read(connection, missing)
            except BaseException:
                for name in missing:
                    self._kept[name].stale = True
                raise
            for one in in_flight:
                for key, text in one.entries.items():
                    found[one.gateway].put(one.source, key, text)
            for name, made in found.items():
                made.stale = self._kept[name].stale
                self._bytes += made.bytes - self._kept[name].bytes
                self._kept[name] = made
                self._kept.move_to_end(name)
        self._make_room(len(gateways))

    def _make_room(self, needed: int) -> None:
        most = self._max_kept_bytes
        while len(self._kept) > needed and (self._bytes > most or len(self._kept) > most // 1024):
            _, kept = self._kept.popitem(last=False)
            self._bytes -= kept.bytes


def definition_columns(learned: Sequence[Learned]) -> dict[str, list[Any]]:
    """As arrays in step, in the order of the key; of one key the last word of the batch."""
    last: dict[tuple[str, str, str], tuple[str | None, int]] = {}
    for one in learned:
        for key, text in one.entries.items():
            last[one.gateway, one.source, key] = (text, one.arrival)
    keys = sorted(last)
    return {
        "gateways": [key[0] for key in keys],
        "sources": [key[1] for key in keys],
        "keys": [key[2] for key in keys],
        "definitions": [last[key][0] for key in keys],
        "learned_at": [moment(last[key][1]) for key in keys],
    }


async def _read(connection: Connection, gateways: list[str]) -> dict[str, _Known]:
    found = {name: _Known() for name in gateways}
    async with translated():
        async for row in load_queries("ingest").definitions(connection, gateways=gateways):
            found[row["gateway"]].put(row["source"], row["key"], row["definition"])
    return found


def _size(key: str, definition: str) -> int:
    return len(key.encode()) + len(definition.encode())


def _json(key: str, definition: Any) -> str:
    """What the database can hold of a definition.

    Raises:
        DecodeError: it can not.
    """
    try:
        text = _encode(definition).decode()
        fits = len(key.encode()) <= MOST_KEY_BYTES and "\0" not in key
    except (UnicodeError, TypeError, ValueError, RecursionError):
        fits = False
    if not fits or "\\u0000" in text:
        raise DecodeError("bad_definition", "A definition is none that could be kept.")
    return text
