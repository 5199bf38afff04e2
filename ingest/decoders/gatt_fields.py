"""The fields of a Bluetooth characteristic, one after another."""

from __future__ import annotations

from datetime import datetime

from ingest.decoders.ieee11073 import Number, float32, sfloat
from ingest.decoders.record import DecodeError


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


def scaled(raw: int | None, per: int) -> float | None:
    """A fixed-point number with `per` steps to the unit; None stays unknown."""
    return None if raw is None else raw / per
