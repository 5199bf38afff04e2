"""Silence of a device, and of a gateway: one cause makes one finding.

A device that is expected every so often and was not heard for that long, while somebody could have
heard it (alerts.line), is silent. Where every such device of a gateway is silent, and the gateway
itself says nothing either, the gateway is the cause: the home gets one finding, and its devices
none of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.finding import Finding, rfc3339
from alerts.subject import Context, Device, Subject


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
            down = len(silent) == len(devices) and _gateway_silent(devices, context)
            if down and subject.kind == "home":
                yield index, _gateway_finding(gateway, devices, context)
            for device in silent:
                if device.owner == subject.id:
                    yield index, _device_finding(device, inhibited=down, context=context)
            yield index, _look_again(devices, context)


_WHILE_SILENT = timedelta(minutes=2)
"""How soon to look again at what is silent: a home is not told of what its clients' devices say."""


def _silent(device: Device, context: Context) -> bool:
    return context.line.silence(device.heard_at) > device.silent_after + context.delay


def _gateway_silent(devices: list[Device], context: Context) -> bool:
    one = devices[0]
    if one.gateway_heard_at is None or not one.gateway_online:
        return True
    shortest = min(device.silent_after for device in devices)
    return context.line.silence(one.gateway_heard_at) > shortest + context.delay


def _look_again(devices: list[Device], context: Context) -> datetime:
    """When the first device that is not silent yet would be; sooner while one is."""
    waits = [
        device.silent_after + context.delay - context.line.silence(device.heard_at)
        for device in devices
    ]
    shortest = min(device.silent_after for device in devices)
    ahead = [wait if wait > timedelta(0) else min(shortest, _WHILE_SILENT) for wait in waits]
    # A little later than the limit itself, so that one look is enough and none is a busy loop.
    return context.now + min(ahead) + max(context.delay / 5, timedelta(seconds=1))


def _device_finding(device: Device, *, inhibited: bool, context: Context) -> Finding:
    rule = context.rules["device_silent"]
    params: dict[str, Any] = {
        "gateway": device.gateway,
        "device": device.name,
        "device_kind": device.kind,
        "location": device.location,
        "last": rfc3339(device.last.time) if device.last else None,
        "expected_minutes": device.silent_after / timedelta(minutes=1),
    }
    return Finding(
        kind=rule.kind,
        origin=f"{device.gateway}/{device.name}",
        rule=rule.id,
        severity=rule.severity,
        pages=0 if inhibited or not rule.on else rule.severity,
        key="device_silent",
        params=params,
        evidence=(device.last,) if device.last else (),
    )


def _gateway_finding(gateway: str, devices: list[Device], context: Context) -> Finding:
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
        key="gateway_silent",
        params={
            "gateway": gateway,
            "last": rfc3339(last.time) if last else None,
            "devices": len(devices),
        },
        evidence=(last,) if last else (),
    )
