"""By which of a recipient's channels a message goes now. Pure.

Of the kinds that the severity allows the first ones are used that work; a kind that has failed this
message comes after those that have not, so that the message goes another way at once and comes
round again. A service that is broken is passed over while there is another way, and now and then
tried beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from alerts.delivery.channels import ByUrgency, Policy
from core.clock import LOCAL


@dataclass(frozen=True, slots=True)
class Address:
    """One way to reach a recipient."""

    id: int | None
    """Of registry.member_channel; None: the gateway of a home."""
    kind: str
    service: str
    """Who takes messages there."""
    secret: str = field(repr=False)
    quiet: tuple[time, time] | None = None
    """From and until, in Europe/Helsinki."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is known of whoever takes messages to addresses."""

    broken: bool = False
    paused_until: datetime | None = None
    tried_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Where to send now; or when to look again (wall time); or neither: there is no way."""

    addresses: tuple[Address, ...] = ()
    again_at: datetime | None = None


def choose(
    policy: Policy,
    severity: int,
    addresses: Iterable[Address],
    *,
    services: Mapping[str, Service],
    failures: Mapping[int | None, int],
    wall: datetime,
    now: datetime,
) -> Choice:
    """By what to send a message of `severity` now.

    Args:
        addresses: those that may be used: enabled, and not found useless for this message.
        services: by name; what is not there is new.
        failures: by address: tries of this message in vain.
        wall, now: real time, for services; the shared clock's, for quiet hours.
    """
    way = policy.of(severity)
    open_, ends = _awake(way, addresses, now)
    kinds = _in_order(way, open_, failures)
    ready: list[str] = []
    waits: list[datetime] = []
    trials: list[str] = []
    for kind, members in kinds.items():
        states = [services.get(one.service, Service()) for one in members]
        pauses = [one.paused_until for one in states if one.paused_until is not None]
        until = max(pauses, default=wall)
        if until > wall:
            waits.append(until)
        elif any(not one.broken for one in states):
            ready.append(kind)
        else:
            trials.append(kind)
    chosen = ready[: way.at_once]
    again = timedelta(seconds=policy.broken.try_again_s)
    for kind in trials:
        tried = [services[one.service].tried_at for one in kinds[kind]]
        due = all(at is None or wall - at >= again for at in tried)
        if due or not ready:
            chosen.append(kind)
    if chosen:
        return Choice(tuple(one for kind in chosen for one in kinds[kind]))
    if waits:
        return Choice(again_at=min(waits))
    # How long quiet hours last by the wall is the caller's to know.
    return Choice(again_at=wall + min(ends) if ends else None)


def rounds(addresses: Iterable[Address], failures: Mapping[int | None, int]) -> int:
    """How often all of the ways have been tried in vain."""
    return min((failures.get(one.id, 0) for one in addresses), default=0)


def _awake(
    way: ByUrgency, addresses: Iterable[Address], now: datetime
) -> tuple[list[Address], list[timedelta]]:
    """The addresses that may be used now, and how long the quiet hours of the others last."""
    if not way.quiet:
        return list(addresses), []
    awake, ends = [], []
    for address in addresses:
        left = quiet_left(address.quiet, now)
        if left:
            ends.append(left)
        else:
            awake.append(address)
    return awake, ends


def quiet_left(quiet: tuple[time, time] | None, now: datetime) -> timedelta:
    """How long quiet hours go on from `now`; nothing outside of them."""
    if quiet is None:
        return timedelta(0)
    begin, end = quiet
    local = now.astimezone(LOCAL)
    clock = local.time().replace(tzinfo=None)
    inside = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not inside:
        return timedelta(0)
    day = local.date() + timedelta(days=1 if clock >= end else 0)
    return datetime.combine(day, end, LOCAL).astimezone(now.tzinfo) - now


def _in_order(
    way: ByUrgency, addresses: Sequence[Address], failures: Mapping[int | None, int]
) -> dict[str, list[Address]]:
    """The addresses by kind: those that have failed less first, then as the severity says."""
    kinds: dict[str, list[Address]] = {}
    for address in addresses:
        kinds.setdefault(address.kind, []).append(address)
    order: dict[str, int] = {kind: place for place, kind in enumerate(way.kinds)}
    ranked = sorted(
        kinds,
        key=lambda kind: (
            min(failures.get(one.id, 0) for one in kinds[kind]),
            order.get(kind, len(order)),
        ),
    )
    return {kind: kinds[kind] for kind in ranked}
