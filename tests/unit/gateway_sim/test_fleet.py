"""The gateways' pump ends when it is told to."""

from __future__ import annotations

import asyncio

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from core.clock import REAL_CLOCK
from gateway_sim import fleet
from gateway_sim.link import Terms
from gateway_sim.memory import Memory


@pytest.mark.parametrize("steps", range(6))
async def test_closing_ends_the_pump_even_while_it_wakes(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def terms(*_: object) -> Terms:
        return Terms(MQTTProtocolVersion.MQTTv5, 1000)

    monkeypatch.setattr(fleet, "terms_of", terms)
    nobody = fleet.Fleet(
        [], Memory([]), mqtt_url="mqtt://127.0.0.1:9", clock=REAL_CLOCK, ledger=None
    )
    assert await nobody.connect(asyncio.Event())
    for _ in range(6):  # until the pump waits
        await asyncio.sleep(0)
    nobody.touch([])
    for _ in range(steps):
        await asyncio.sleep(0)
    closing = asyncio.create_task(nobody.close())
    done, _ = await asyncio.wait({closing}, timeout=5.0)
    assert done, "the pump went on"
