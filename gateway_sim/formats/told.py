"""What a format makes of readings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from gateway_sim.devices import Model
from gateway_sim.reading import Reading


class Told(NamedTuple):
    """One message."""

    rest: str
    """The topic below the source."""
    payload: bytes
    readings: tuple[Reading, ...] = ()
    """What it says, as exactly as the format can: its device names, its steps, its times. A value
    that the format says without a number ("beyond my range") is NaN."""
    retain: bool = False
    qos: int = 1


class Format:
    """One gateway's way to speak; it may remember what it said.

    Args:
        home: the home's number.
        devices: of the home.
    """

    source: ClassVar[str]
    """As on the topic."""
    carries: ClassVar[frozenset[str]]
    """Kinds of device that speak through it."""

    def __init__(self, home: int, devices: Sequence[Model]) -> None:
        self._home = home
        self._models = {m.name: m for m in devices if m.kind in self.carries}
        self._places = {name: place for place, name in enumerate(sorted(self._models))}

    def name_of(self, device: str) -> str:
        """What a device is called by it."""
        return device

    def greeting(self) -> list[Told]:
        """What it says whenever it has connected."""
        return []

    def tell(self, readings: Iterable[Reading]) -> Iterator[Told]:
        """Messages for readings, in their order; what it cannot carry is left out."""
        together: dict[tuple[str, float], list[Reading]] = {}
        for reading in readings:
            if reading.device in self._models:
                together.setdefault((reading.device, reading.time), []).append(reading)
        for (device, _), group in together.items():
            yield from self._tell(device, tuple(group))

    def _tell(self, device: str, readings: tuple[Reading, ...]) -> Iterator[Told]:
        """Messages for what one device says at one time."""
        raise NotImplementedError

    def _address(self, device: str) -> str:
        """The radio address of a device, made up (locally administered), upper case with colons."""
        raw = (0xC2 << 40) | ((self._home & 0xFFFFFFFF) << 8) | self._places.get(device, 0xFF)
        return ":".join(f"{raw >> shift & 0xFF:02X}" for shift in range(40, -8, -8))
