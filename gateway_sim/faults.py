"""What goes wrong with devices and gateways, as data: fault files (TOML).

name = "storm"
description = "…"
hours = 24                 # so long is the file's story

[[fault]]
kind = "coverage"          # one of the classes below
from_hours = 6             # after the start; …
until_hours = 11           # absent: to the end of the story
areas = ["parikkala"]      # only there; absent: everywhere
share = 0.8                # so many of the homes, or devices, it may meet; absent: all

[[fault]]
kind = "drift"             # of devices:
from_hours = 0
devices = ["thermometer"]  # kinds of device; absent: all
makers = ["Bornex"]        # only theirs; absent: all
spread_hours = 12          # begins at each device at some moment within these; absent: 0
metrics = ["temperature"]  # of readings; absent: all that the devices measure
per_day = 0.4              # what else a kind asks for

docs/simulator.md tells what each kind does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from core.catalogue import catalogue
from gateway_sim.county import area_codes
from gateway_sim.data_file import DataFile, Problems, names_in, unknown
from gateway_sim.devices import KINDS, makers_of

_SHIPPED = Path(__file__).with_name("faults")
_Hours = Annotated[float, Meta(ge=0, le=9000)]
_Share = Annotated[float, Meta(gt=0, le=1)]
_Above = Annotated[float, Meta(gt=0, le=1e6)]
_Any = Annotated[float, Meta(ge=-1e9, le=1e9)]


class Fault(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """When, where and how many; times are hours after the start."""

    from_hours: _Hours
    until_hours: _Hours | None = None
    areas: list[str] = []
    share: _Share = 1.0

    @property
    def kind(self) -> str:
        """Its name in files and labels."""
        return str(self.__struct_config__.tag)


class GatewayFault(Fault, frozen=True, kw_only=True):
    """Meets whole homes."""


class PowerCut(GatewayFault, frozen=True, kw_only=True, tag="power_cut"):
    """No power: the gateway is off and forgets what is not on its disk. Devices that remember tell
    it afterwards; what others say is lost."""


class Coverage(GatewayFault, frozen=True, kw_only=True, tag="coverage"):
    """No mobile network: the gateway works, and stores."""


class Reboot(GatewayFault, frozen=True, kw_only=True, tag="reboot"):
    """The gateway starts anew `times` times, spread over the time, each time with a new boot."""

    times: Annotated[int, Meta(ge=1, le=10_000)] = 1


class DeviceFault(Fault, frozen=True, kw_only=True):
    """Meets devices."""

    devices: list[str] = []
    makers: list[str] = []
    spread_hours: _Hours = 0.0


class Battery(DeviceFault, frozen=True, kw_only=True, tag="battery"):
    """The battery runs down to nothing at `empty_hours`; then silence until the end."""

    empty_hours: _Hours


class Dropout(DeviceFault, frozen=True, kw_only=True, tag="dropout"):
    """So many of its readings (`rate`) never reach the gateway."""

    rate: _Share


class Double(DeviceFault, frozen=True, kw_only=True, tag="double"):
    """It sends so many of its readings (`rate`) twice."""

    rate: _Share


class ClockDrift(DeviceFault, frozen=True, kw_only=True, tag="clock_drift"):
    """Its clock runs ahead, or behind where negative."""

    seconds_per_day: Annotated[float, Meta(ge=-80_000, le=1e6)]


class ClockJump(DeviceFault, frozen=True, kw_only=True, tag="clock_jump"):
    """Its clock is wrong by so much."""

    seconds: _Any


class ClockReset(DeviceFault, frozen=True, kw_only=True, tag="clock_reset"):
    """Its clock begins again, at `shows`, until somebody sets it."""

    shows: datetime = datetime(1970, 1, 1, tzinfo=UTC)


class Renumber(DeviceFault, frozen=True, kw_only=True, tag="renumber"):
    """New firmware counts from elsewhere: the number in the device's name changes by so much."""

    by: Annotated[int, Meta(ge=-9, le=9)] = -1


class ReadingFault(DeviceFault, frozen=True, kw_only=True):
    """Meets measured values."""

    metrics: list[str] = []


class NoisyReading(ReadingFault, frozen=True, kw_only=True, tag="noise"):
    """More noise, of this deviation, in the metric's unit."""

    size: _Above


class Coarse(ReadingFault, frozen=True, kw_only=True, tag="coarse"):
    """Values come in steps so large, in the metric's unit."""

    step: _Above


class Drift(ReadingFault, frozen=True, kw_only=True, tag="drift"):
    """Values creep away, in the metric's unit."""

    per_day: _Any


class Stuck(ReadingFault, frozen=True, kw_only=True, tag="stuck"):
    """The last value from before, again and again."""


class Sentinel(ReadingFault, frozen=True, kw_only=True, tag="sentinel"):
    """A number that means "no measurement" instead of so many of the values."""

    shows: _Any
    rate: _Share = 1.0


class Limits(ReadingFault, frozen=True, kw_only=True, tag="limits"):
    """Measures between two values only, and says LO and HI beyond them."""

    low: _Any
    high: _Any


AnyFault = (
    PowerCut | Coverage | Reboot | Battery | Dropout | Double | ClockDrift | ClockJump | ClockReset
    | Renumber | NoisyReading | Coarse | Drift | Stuck | Sentinel | Limits
)  # fmt: skip


class Gateways(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all gateways are like."""

    space: Annotated[int, Meta(ge=10, le=10_000_000)] = 100_000
    """Messages that each can keep."""


class FaultFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    name: str
    description: str
    hours: Annotated[float, Meta(gt=0, le=9000)]
    gateways: Gateways = Gateways()
    fault: list[AnyFault] = []


NO_FAULTS = FaultFile("none", "Everything works.", 1.0)


def shipped_faults() -> list[str]:
    """Names of the fault files that come with Saimi."""
    return names_in(_SHIPPED)


def load_faults(name_or_path: str | Path, run_hours: float | None = None) -> FaultFile:
    """Read a fault file: one that ships, by name, or any.

    Args:
        run_hours: how long the run is that it is for; None: until it is stopped.

    Raises:
        UserError: there is no such file, or it is wrong, or one of its faults begins after the
            run; names file, line and key.
    """
    file = DataFile(name_or_path, "fault file", _SHIPPED)
    return file.convert(FaultFile, lambda found: _problems(found, run_hours))


def measured(kind: str) -> set[str]:
    """The metrics whose values are measured, not coded, that a kind of device has."""
    return {name for name in KINDS[kind] if not catalogue()[name].codes}


def _problems(found: FaultFile, run_hours: float | None) -> Problems:
    """What no type can hold."""
    for n, fault in enumerate(found.fault):
        at = f"fault[{n}]"
        until = found.hours if fault.until_hours is None else fault.until_hours
        yield from unknown(f"{at}.areas", fault.areas, area_codes())
        if until > found.hours:
            yield f"{at}.until_hours", f"the story of the file ends after {found.hours:g} hours"
        if fault.from_hours >= until:
            yield f"{at}.from_hours", f"it has to begin before it ends, after {until:g} hours"
        if run_hours is not None and fault.from_hours >= run_hours:
            yield f"{at}.from_hours", f"the run ends after {run_hours:g} hours"
        if isinstance(fault, DeviceFault):
            yield from _device_problems(at, fault, until)


def _device_problems(at: str, fault: DeviceFault, until: float) -> Problems:
    yield from unknown(f"{at}.devices", fault.devices, KINDS)
    kinds = fault.devices or list(KINDS)
    yield from unknown(f"{at}.makers", fault.makers, {m for k in kinds for m in makers_of(k)})
    if fault.from_hours + fault.spread_hours >= until:
        yield f"{at}.spread_hours", f"some would begin after the end, {until:g} hours"
    match fault:
        case Battery(empty_hours=empty):
            if not fault.from_hours + fault.spread_hours < empty <= until:
                yield f"{at}.empty_hours", "it must lie between the beginning and the end"
        case ClockReset(shows=shows):
            if shows.tzinfo is None:
                yield f"{at}.shows", "a time needs its zone, as 1970-01-01T00:00:00Z"
        case Limits(low=low, high=high):
            if low >= high:
                yield f"{at}.low", "the lower limit must lie below the higher"
    if isinstance(fault, ReadingFault):
        known = {metric for kind in kinds for metric in measured(kind)}
        yield from unknown(f"{at}.metrics", fault.metrics, known)
        if not fault.metrics and len(known) != 1 and not isinstance(fault, (Stuck, Sentinel)):
            key = f"{at}.metrics"
            yield key, f"say of which: {', '.join(sorted(known))}" + _apart(known)


def _apart(known: Iterable[str]) -> str:
    units = {catalogue()[name].unit for name in known}
    return "; they have no unit in common" if len(units) > 1 else ""


def moments(fault: Reboot, start: float, end: float) -> Iterator[float]:
    """When a gateway starts anew between two moments (Unix seconds)."""
    for number in range(fault.times):
        yield start + (number + 1) * (end - start) / (fault.times + 1)
