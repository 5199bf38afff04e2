"""What a device measured and sent as bytes: one time, one user and one doubt for all its values."""

from __future__ import annotations

from datetime import datetime

from core.catalogue import catalogue
from core.reading import Qualifier
from ingest.decoders.ieee11073 import METERS, Number
from ingest.decoders.local_time import seconds_of_local
from ingest.decoders.record import Channel, Record

_UNKNOWN_USER = 0xFF


class Measured:
    """What one message measured: one time, user and doubt for all its values."""

    def __init__(self, device: str, arrival: float) -> None:
        self.records: list[Record] = []
        self._device = device
        self._arrival = arrival
        self._time = arrival
        self._dated = False
        self._user: int | None = None
        self.suspect = False
        """Whether the device itself doubts what it measured."""

    def at(self, local: datetime | None) -> float | None:
        """Set the time from what the device's clock showed; None leaves the arrival.

        Returns Unix seconds.
        """
        seconds = None if local is None else seconds_of_local(local, self._arrival)
        if seconds is not None:
            self.since(seconds)
        return seconds

    def since(self, seconds: float) -> None:
        """Set the time in Unix seconds."""
        self._time, self._dated = seconds, True

    def of_user(self, index: int) -> None:
        """Set whose it is by the device's own index: 0 and 255 are nobody that it knows."""
        self._user = 0 if index == _UNKNOWN_USER else index

    def add(
        self,
        metric: str,
        given: Number | float | str | None,
        unit: str | None = None,
        *,
        qualifier: Qualifier = Qualifier.EXACT,
        suspect: bool = False,
        before: float = 0.0,
        device: str = "",
    ) -> None:
        """Add a value; none adds nothing, LO and HI the end of what meters can show.

        `before` is how many seconds before the message's time it was, `device` another than the
        message's.
        """
        value, told = given if isinstance(given, Number) else (given, Qualifier.EXACT)
        told = told or qualifier
        if value is None:
            edges = METERS.get(metric)
            if told == Qualifier.EXACT or edges is None:
                return
            value = edges[told == Qualifier.ABOVE]
            unit = catalogue()[metric].unit
        self.records.append(
            Record(
                Channel(device or self._device, metric, unit),
                value,
                self._time - before,
                int(told),
                self._dated,
                self._user,
                self.suspect or suspect,
            )
        )
