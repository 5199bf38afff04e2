"""What the gateways of a made-up county send: equal readings in any number of messages.

Gateways take turns, as they do at home; each numbers its messages, and no reading comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from core.registry import Area, Client, Device, Document, Home
from core.wire import readings_topic
from gateway_sim.reading import Reading
from gateway_sim.senml import encode_pack

CHANNELS = (
    ("oximeter", "spo2", 96.0), ("oximeter", "pulse", 64.0), ("cuff", "systolic", 128.0),
    ("cuff", "diastolic", 76.0), ("thermometer", "temperature", 36.5), ("scale", "weight", 71.0),
    ("room", "room_temperature", 21.5), ("room", "humidity", 38.0), ("motion", "motion", 1.0),
    ("door", "door", 0.0),
)  # fmt: skip
"""Device, metric and about what value, in each home."""
TURN_S = 10.0
"""Seconds between two messages of one gateway, by its own clock."""
_IN_USE = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Traffic:
    """So many messages with so many readings each, of so many gateways."""

    gateways: int
    messages: int
    readings_per_message: int
    until: float
    """Unix seconds; nothing was measured later."""
    boot: str = "bench"

    @property
    def readings(self) -> int:
        """In all messages."""
        return self.messages * self.readings_per_message

    def document(self) -> Document:
        """The homes behind the gateways, as they are registered."""
        devices = dict.fromkeys(device for device, _, _ in CHANNELS)
        return Document(
            areas=[Area("bench", "Bench")],
            homes=[
                Home(
                    name=f"bench-{number}",
                    area="bench",
                    gateway=_gateway(number),
                    clients=[Client(f"bench-{number}", "Given", "Family", date(1940, 1, 1))],
                    devices=[
                        Device(name, name, subject=f"bench-{number}", assigned_from=_IN_USE)
                        for name in devices
                    ],
                )
                for number in range(self.gateways)
            ],
        )

    def packs(self) -> Iterator[tuple[str, bytes]]:
        """Topic and payload of each message, in the order they are sent."""
        topics = [readings_topic(_gateway(number)) for number in range(self.gateways)]
        turns = -(-self.messages // self.gateways)
        begin = float(int(self.until) - turns * int(TURN_S))
        size = self.readings_per_message
        for place in range(self.messages):
            turn, gateway = divmod(place, self.gateways)
            at = begin + turn * TURN_S
            readings = []
            for step in range(size):
                device, metric, value = CHANNELS[(turn * size + step) % len(CHANNELS)]
                if value > 1.0:  # else it is a state, which has no steps between
                    value += 0.1 * ((turn + gateway) % 7)
                readings.append(Reading(at + step / size, device, metric, round(value, 1)))
            yield topics[gateway], encode_pack(readings, self.boot, turn + 1)


def _gateway(number: int) -> str:
    return f"bench-{number:05}"
