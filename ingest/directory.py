"""Who is who, as far as the messages of the moment need it.

Gateways are read from the registry when first heard, all that a batch lacks in one query, and kept
within a bound; what changes in the registry (LISTEN) is forgotten, and everything where that is not
said, or may have been said unheard.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from sys import intern
from types import MappingProxyType
from typing import Any

import msgspec

from core.catalogue import catalogue
from core.database import Connection, load_queries, translated
from core.reading import UNKNOWN
from ingest.decoders.record import Channel
from ingest.instants import FOREVER

MAX_DEVICES = 4_000_000
"""Kept at most, over all gateways; a gateway without devices counts as one. Each is some 200 bytes,
and each of its channels that was heard as much again. It has to hold the gateways of a county: with
one more than fit, each that is heard in its turn was dropped a moment before."""
_ENTRY = ("ids", "names", "subjects", "users", "since", "until")
_NO_SHARES: Mapping[int, Sequence[Any]] = MappingProxyType({})


class Assignment(msgspec.Struct, frozen=True, gc=False):
    """Whose readings a device makes, from `since` on and before `until` (microseconds)."""

    since: int
    until: int
    subject: int


class Device(msgspec.Struct, gc=False):
    """A registered device."""

    id: int
    assignments: Sequence[Assignment] = ()
    """Whoever uses it; in the order of time, they do not overlap."""
    shares: Mapping[int, Sequence[Assignment]] = _NO_SHARES
    """The same for each user index of a device that several people use."""

    def owner(self, at: int, user: int | None) -> int | None:
        """Whose a reading measured at `at` is, by the user index that the device gave it.

        The subject; UNKNOWN where several people use the device and it is not said which of them
        did; None where the device was nobody's then.
        """
        own = _at(self.shares.get(user, ()), at) if user else None
        own = own or _at(self.assignments, at)
        if own is not None:
            return own.subject
        return UNKNOWN if any(_at(share, at) for share in self.shares.values()) else None


def _at(assignments: Sequence[Assignment], at: int) -> Assignment | None:
    """The assignment in force at `at`."""
    place = bisect_right(assignments, at, key=lambda one: one.since) - 1
    return assignments[place] if place >= 0 and at < assignments[place].until else None


class Route(msgspec.Struct, eq=False, gc=False):
    """Everything that admits the readings of one channel."""

    row: tuple[Any, ...]
    """One of `admission.ROUTE`."""


class Gateway(msgspec.Struct, eq=False, gc=False):
    """A registered gateway, its devices, and the channels heard so far."""

    name: str
    id: int
    home_subject: int
    revoked: bool
    devices: dict[str, Device] = msgspec.field(default_factory=dict)
    routes: dict[Channel, Route] = msgspec.field(default_factory=dict)

    def route(self, channel: Channel) -> Route | None:
        """The way of a channel's readings; None if device, metric or unit stands in it, or several
        people use the device."""
        device = self.devices.get(channel.device)
        metric = catalogue().get(channel.metric)
        if self.revoked or device is None or metric is None:
            return None
        if device.shares or not device.assignments:
            return None
        conversion = metric.conversion(channel.unit)
        if conversion is None:
            return None
        latest = device.assignments[-1]
        own = (latest.since, latest.until, latest.subject)
        route = Route((device.id, metric.id, *conversion, *metric.possible, *own))
        self.routes[channel] = route
        return route


class Directory:
    """The gateways heard of late; ask `load` first, then `find`."""

    def __init__(self, max_devices: int = MAX_DEVICES) -> None:
        self._max_devices = max_devices
        self._kept: OrderedDict[str, Gateway | None] = OrderedDict()
        self._devices = 0
        self._generation = 0

    def forget(self) -> None:
        """The registry has changed, or may have."""
        self._kept.clear()
        self._devices = 0
        self._generation += 1

    def forget_these(self, names: Iterable[str]) -> None:
        """These gateways, or what is theirs, may have changed."""
        for name in names:
            if name in self._kept:
                self._devices -= _weight(self._kept.pop(name))
        self._generation += 1

    def names(self) -> list[str]:
        """What is kept."""
        return list(self._kept)

    def missing(self, names: Collection[str]) -> list[str]:
        """Those of `names` that `load` must read first."""
        kept = self._kept
        for name in names:
            if name in kept:
                kept.move_to_end(name)
        return [name for name in names if name not in kept]

    def find(self, name: str) -> Gateway | None:
        """A gateway that was loaded; None where nobody is registered under the name."""
        return self._kept[name]

    async def load(self, connection: Connection, names: Collection[str], now: datetime) -> None:
        """Read what is missing of `names`, so that `find` knows each until the next `load`.

        Raises:
            DatabaseUnavailableError: the database is away.
        """
        while missing := self.missing(names):
            generation = self._generation
            found = await _read(connection, missing, now)
            if generation == self._generation:  # else the registry changed meanwhile
                for name in missing:
                    self.keep(name, found.get(name))
        self._make_room(len(names))

    def keep(self, name: str, gateway: Gateway | None) -> None:
        """Remember what was read of a name; None where nobody is registered under it."""
        self._kept[name] = gateway
        self._devices += _weight(gateway)

    def _make_room(self, needed: int) -> None:
        while self._devices > self._max_devices and len(self._kept) > needed:
            _, gateway = self._kept.popitem(last=False)
            self._devices -= _weight(gateway)


def _weight(gateway: Gateway | None) -> int:
    return 1 if gateway is None else 1 + len(gateway.devices)


async def _read(connection: Connection, names: list[str], now: datetime) -> dict[str, Gateway]:
    async with translated():
        rows = load_queries("ingest").gateways(connection, names=names, now=now)
        return {row["gateway"]: _gateway(row) async for row in rows}


def _gateway(row: Any) -> Gateway:
    """A gateway of a row of `gateways`. What is the same for many (a name, the owner of all devices
    of a home) is kept once."""
    gateway = Gateway(
        row["gateway"], row["gateway_id"], row["home_subject"] or 0, revoked=row["revoked"]
    )
    devices, device, last = gateway.devices, None, None
    for id, name, subject, user, since, until in zip(
        *(row[column] or () for column in _ENTRY), strict=True
    ):
        if device is None or device.id != id:
            device = devices[intern(name)] = Device(id)
        if subject is None:
            continue
        if since is None:
            since = -FOREVER
        if until is None:
            until = FOREVER
        if last is None or (last.subject, last.since, last.until) != (subject, since, until):
            last = Assignment(since, until, subject)
        if user:
            device.shares = {**device.shares, user: (*device.shares.get(user, ()), last)}
        else:
            device.assignments = (*device.assignments, last)
    return gateway
