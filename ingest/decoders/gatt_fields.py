"""What Bluetooth characteristics have in common: their fields one after another, and one time,
one user and one doubt for all that was measured."""

from __future__ import annotations

from datetime import datetime

from core.catalogue import catalogue
from core.reading import Qualifier
from ingest.decoders.ieee11073 import METERS, Number, float32, sfloat
from ingest.decoders.local_time import seconds_of_local
from ingest.decoders.record import Channel, DecodeError, Record

UNKNOWN_USER = 0xFF


class Fields:
    """The bytes of a characteristic, read from the front; more than is asked for is left over."""

    def __init__(self, what: str, payload: bytes) -> None:
        self._what = what
        self._payload = payload
        self._at = 0

    def take(self, length: int) -> bytes:
        """The next bytes.

        Raises:
            DecodeError: the message ends before.
        """
        end = self._at + length
        if end > len(self._payload):
            raise DecodeError(
                "truncated",
                f"This {self._what} has {len(self._payload)} bytes; by its own flags it has at "
                f"least {end}.",
            )
        taken, self._at = self._payload[self._at : end], end
        return taken

    def left(self) -> int:
        """How many bytes were not read yet."""
        return len(self._payload) - self._at

    def unsigned(self, length: int) -> int:
        """An integer of `length` bytes, least significant first."""
        return int.from_bytes(self.take(length), "little")

    def signed(self, length: int) -> int:
        """The same in two's complement."""
        return int.from_bytes(self.take(length), "little", signed=True)

    def known(self, length: int) -> int | None:
        """An unsigned integer; None where all its bits are set, which is no measurement."""
        value = self.unsigned(length)
        return None if value == (1 << 8 * length) - 1 else value

    def sfloat(self) -> Number:
        """An IEEE 11073 SFLOAT."""
        return sfloat(self.unsigned(2))

    def float32(self) -> Number:
        """An IEEE 11073 FLOAT."""
        return float32(self.unsigned(4))

    def date_time(self) -> datetime | None:
        """A local time of 7 bytes; None where a part of it is 0 (unknown) or no calendar has it."""
        year = self.unsigned(2)
        month, day, hour, minute, second = self.take(5)
        try:
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 # it has none
        except ValueError:
            return None


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
        self._user = 0 if index == UNKNOWN_USER else index

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


def scaled(raw: int | None, per: int) -> float | None:
    """A fixed-point number with `per` steps to the unit; None stays unknown."""
    return None if raw is None else raw / per
