"""Silence of a device, and of a gateway: one cause makes one finding.

A device that is expected every so often and was not heard for that long, while somebody could have
heard it (alerts.subjects.line), is silent. Where every such device of a gateway is silent, the
gateway is the cause: it says nothing either (or the broker says that it is gone), or it speaks and
hears none of them. The home gets one finding then, with who is at risk, and its devices none of
their own.

What somebody carries falls silent when they go out: the front door, then nothing in the home. That
is explained for as long as the rule says. In a home for two nobody can tell who went.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.finding import Finding, rfc3339
from alerts.silence.causes import inhibited
from alerts.subjects import at_risk
from alerts.subjects.subject import Context, Device, Subject

PORTABLE = frozenset({"wearable", "watch", "button", "pendant"})
"""Kinds of device that people carry about."""


def assess(
    subjects: Sequence[Subject], context: Context
) -> Iterator[tuple[int, Finding | datetime]]:
    """Findings, and when the next device would fall silent."""
    for index, subject in enumerate(subjects):
        if not subject.devices:
            continue
        gateways: dict[str, list[Device]] = {}
        for device in subject.devices:
            gateways.setdefault(device.gateway, []).append(device)
        for gateway, devices in gateways.items():
            silent = [device for device in devices if _silent(device, context)]
            cause = _cause(devices, context) if len(silent) == len(devices) else ""
            if cause and subject.kind == "home":
                yield index, _gateway_finding(cause, gateway, subject, devices, context)
            for device in silent:
                if device.owner == subject.id:
                    finding = _device_finding(device, subject, context)
                    yield index, inhibited(finding, cause) if cause else finding
            yield index, _look_again(subject, gateway, devices, context)


_WHILE_SILENT = timedelta(minutes=2)
"""How soon to look again at what is silent: a home is not told of what its clients' devices say."""
_WHILE_EXPLAINED = timedelta(minutes=15)
"""The same where a cause above the home explains it: who finds that cause over wakes the home."""


def _silent(device: Device, context: Context) -> bool:
    return context.line.silence(device.heard_at) > device.silent_after + context.delay


def _cause(devices: list[Device], context: Context) -> str:
    """What has silenced all devices of a gateway; nothing where it speaks and has but one."""
    one = devices[0]
    if one.gateway_heard_at is None or not one.gateway_online:
        return "gateway_silent"
    shortest = min(device.silent_after for device in devices)
    if context.line.silence(one.gateway_heard_at) > shortest + context.delay:
        return "gateway_silent"
    return "gateway_deaf" if len(devices) > 1 else ""


def _look_again(
    subject: Subject, gateway: str, devices: list[Device], context: Context
) -> datetime:
    """When the first device that is not silent yet would be; sooner while one is."""
    away = subject.away
    explained = away is not None or gateway in subject.lost
    while_silent = _WHILE_EXPLAINED if explained else _WHILE_SILENT
    waits = [
        device.silent_after + context.delay - context.line.silence(device.heard_at)
        for device in devices
    ]
    shortest = min(device.silent_after for device in devices)
    ahead = [wait if wait > timedelta(0) else min(shortest, while_silent) for wait in waits]
    # A little later than the limit itself, so that one look is enough and none is a busy loop.
    at = context.now + min(ahead) + max(context.delay / 5, timedelta(seconds=1))
    return at if away is None else min(at, away.until + timedelta(seconds=1))


def out_since(subject: Subject, device: Device) -> datetime | None:
    """When somebody went out with this device, as far as can be told; None: they did not.

    The front door was the last that was heard of the home, about when the device was last heard.
    """
    door, moved = subject.door_at, subject.moved_at
    if device.kind not in PORTABLE or door is None:
        return None
    if moved is not None and moved > door + _THROUGH_THE_DOOR:
        return None
    return door if abs(device.heard_at - door) <= device.silent_after else None


_THROUGH_THE_DOOR = timedelta(minutes=5)
"""How long sensors near the door may still see who has just left."""


def _device_finding(device: Device, subject: Subject, context: Context) -> Finding:
    rule = context.rules["device_silent"]
    out = out_since(subject, device)
    params: dict[str, Any] = {
        "gateway": device.gateway,
        "device": device.name,
        "device_kind": device.kind,
        "location": device.location,
        "last": rfc3339(device.last.time) if device.last else None,
        "expected_minutes": device.silent_after / timedelta(minutes=1),
        "out_since": rfc3339(out) if out else None,
    }
    finding = Finding(
        kind=rule.kind,
        origin=f"{device.gateway}/{device.name}",
        rule=rule.id,
        severity=rule.severity,
        pages=rule.severity if rule.on else 0,
        key="device_silent",
        params=params,
        evidence=(device.last,) if device.last else (),
    )
    if out is not None and context.now - out < timedelta(hours=rule.limits["out_h"]):
        return inhibited(finding, "absence")
    return finding


def _gateway_finding(
    key: str, gateway: str, subject: Subject, devices: list[Device], context: Context
) -> Finding:
    rule = context.rules["gateway_silent"]
    last = max(
        (device.last for device in devices if device.last),
        key=lambda reading: reading.time,
        default=None,
    )
    return Finding(
        kind=rule.kind,
        origin=gateway,
        rule=rule.id,
        severity=rule.severity,
        pages=rule.severity if rule.on else 0,
        key=key,
        params={
            "gateway": gateway,
            "last": rfc3339(last.time) if last else None,
            "devices": len(devices),
            "said": not devices[0].gateway_online and devices[0].gateway_heard_at is not None,
            **at_risk.params(subject.at_risk),
        },
        evidence=(last,) if last else (),
    )
