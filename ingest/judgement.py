"""Whether one record may be stored, and if not, why: the rules of admission in full.

`admission` lets through by the batch what plainly may be stored and brings everything else here,
so every reason is given in this file alone. What must never be filtered (help, smoke, carbon
monoxide, fall) is stored whatever is wrong with it, corrected and marked as suspect.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from core.catalogue import Metric, catalogue
from core.reading import UNKNOWN, State
from ingest.decoders.record import Channel, Record
from ingest.device_time import AHEAD, UNSET_BEFORE
from ingest.directory import Device, Gateway
from ingest.instants import moment

_OVER = frozenset(
    ("", "0", "0.0", "false", "off", "no", "none", "null", "ok", "over", "clear", "normal", "idle")
)


class Refusal(NamedTuple):
    """Why a record is not stored."""

    reason: str
    """A code."""
    sentence: str
    """For a person."""


class Admitted(NamedTuple):
    """What is stored of a record; times in microseconds since 1970."""

    time: int
    value: float
    device: int
    subject: int
    metric: int
    qualifier: int
    state: State
    call: bool
    """A life-safety event that is on."""
    at_arrival: bool
    """The time is the arrival's, or reckoned from it."""


def judge(
    record: Record, gateway: Gateway | None, arrival: int, oldest: int, *, retained: bool = False
) -> Admitted | Refusal:
    """Admit or refuse one record of a gateway (None: nobody knows it).

    `arrival` and `oldest` (older is beyond the retention) are microseconds since 1970.
    """
    channel = record.channel
    metric = catalogue().get(channel.metric)
    if metric is None:
        return _no_such_metric(channel)
    device = _device(gateway, channel.device)
    value = _value(metric, record.value, channel.unit)
    time = _time(record, arrival / 1e6, oldest / 1e6, retained)
    call = metric.never_filtered and is_call(record.value)
    if isinstance(device, Device) and isinstance(value, float) and isinstance(time, int):
        subject = device.owner(time, record.user)
        if subject is not None:
            doubt = record.suspect or subject == UNKNOWN
            if call and subject == UNKNOWN and gateway is not None:
                subject = gateway.home_subject  # somebody there, at least
            return Admitted(
                time, value, device.id, subject, metric.id, record.qualifier,
                State.SUSPECT if doubt else State.OK, call, not record.dated,
            )  # fmt: skip
        refusal = Refusal(
            "not_assigned",
            f"Device {channel.device!r} was nobody's at {_shown(record.time)}: it was measured "
            "before the device was in use, or after.",
        )
    else:
        refusal = next(one for one in (device, value, time) if isinstance(one, Refusal))
    if not call or (retained and isinstance(time, Refusal)):
        return refusal
    # A retained message comes again with every subscription: only its own time can tell that.
    return _admit_anyway(metric, record, gateway, time, arrival, keep_time=retained)


def _admit_anyway(
    metric: Metric,
    record: Record,
    gateway: Gateway | None,
    time: int | Refusal,
    arrival: int,
    *,
    keep_time: bool,
) -> Admitted:
    """A life-safety event, at arrival unless a device in use has a time of its own for it."""
    number = subject = UNKNOWN
    at = time if isinstance(time, int) else None
    if gateway is not None and not gateway.revoked:
        subject = gateway.home_subject
        device = gateway.devices.get(record.channel.device)
        if device is not None:
            number = device.id
            own = device.owner(at, record.user) if at is not None else None
            owner = own or device.owner(arrival, record.user)
            subject = owner or subject  # at least whose home it is
            keep_time = keep_time or own is not None
    if not keep_time:
        at = None
    return Admitted(
        arrival if at is None else at,
        1.0, number, subject, metric.id, 0, State.SUSPECT, True,
        at is None or not record.dated,
    )  # fmt: skip


def is_call(value: float | str | None) -> bool:
    """Whether the value of a life-safety event says that it is on; in doubt it does."""
    if isinstance(value, str):
        return value.strip().lower() not in _OVER
    return value is None or value != 0


def _no_such_metric(channel: Channel) -> Refusal:
    if not channel.metric:
        return Refusal(
            "unknown_metric",
            f"The name {channel.device[:128]!r} says which device it is, but not what it measured.",
        )
    return Refusal("unknown_metric", f"{channel.metric[:128]!r} is no metric of Saimi's catalogue.")


def refused_gateway(gateway: Gateway | None) -> Refusal | None:
    """Why nothing of a gateway's is stored; None: it is in use."""
    if gateway is None:
        return Refusal("unknown_gateway", "No gateway is registered under this name.")
    if gateway.revoked:
        return Refusal("revoked_gateway", "This gateway was revoked; it may not send any more.")
    return None


def _device(gateway: Gateway | None, name: str) -> Device | Refusal:
    if (refusal := refused_gateway(gateway)) is not None:
        return refusal
    assert gateway is not None  # noqa: S101 - else it was refused
    device = gateway.devices.get(name)
    if device is None:
        return Refusal(
            "unknown_device", f"This gateway has no device {name[:128]!r}: register it, or rename."
        )
    return device


def _value(metric: Metric, value: float | str | None, unit: str | None) -> float | Refusal:
    if isinstance(value, str):
        if value in metric.codes:
            return float(metric.codes.index(value))
        return Refusal("not_a_number", f"{metric.name} was given as a text instead of a number.")
    if value is None:
        return Refusal("not_a_number", f"{metric.name} was given as data or a sum, not a value.")
    conversion = metric.conversion(unit)
    if conversion is None:
        given = f"in {unit[:32]!r}" if unit else "without a unit"
        return Refusal(
            "wrong_unit",
            f"{metric.name} was given {given}; it is read in "
            f"{', '.join([metric.unit, *metric.accepts])}.",
        )
    converted = value * conversion.factor + conversion.offset
    low, high = metric.possible
    if not low <= converted <= high:
        return Refusal(
            "impossible",
            f"{metric.name} {converted:g} {metric.unit} is physically impossible (possible are "
            f"{low:g} to {high:g}).",
        )
    if metric.codes and converted != round(converted):
        return Refusal("impossible", f"{converted:g} is none of the codes of {metric.name}.")
    return converted


def _time(record: Record, arrival: float, oldest: float, retained: bool) -> int | Refusal:
    """`arrival` and `oldest` in Unix seconds."""
    at = record.time
    if retained and not (record.dated and UNSET_BEFORE <= at <= arrival + AHEAD):
        return Refusal(
            "retained",
            "The broker kept this message from before, and it does not say when it was measured.",
        )
    if math.isnan(at) or at < UNSET_BEFORE:
        return Refusal("clock_unset", f"The device's clock was never set: it says {_shown(at)}.")
    if at < oldest:
        return Refusal(
            "too_old", f"It was measured at {_shown(at)}, longer ago than readings are kept."
        )
    if at > arrival + AHEAD:
        return Refusal(
            "future",
            f"The device's clock is ahead: it says {_shown(at)}, and the reading arrived at "
            f"{_shown(arrival)}.",
        )
    return round(at * 1e6)


def _shown(at: float) -> str:
    if not -6e10 < at < 2.5e11:  # what datetime can show
        return "a time that no calendar has"
    return moment(round(at) * 1_000_000).strftime("%Y-%m-%d %H:%M:%S UTC")
