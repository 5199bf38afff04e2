"""The broker's address."""

from __future__ import annotations

import pytest

from core.broker import BrokerAddress
from core.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker", BrokerAddress("broker", 1883)),
        ("mqtts://broker", BrokerAddress("broker", 8883, tls=True)),
        ("mqtt://u:p%40ss@10.0.0.1:2000", BrokerAddress("10.0.0.1", 2000, "u", "p@ss")),
    ],
)
def test_addresses(url: str, address: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == address
    assert "p@ss" not in f"{address} {address!r}"


@pytest.mark.parametrize("url", ["", "broker:1883", "http://broker", "mqtt://", "mqtt://b:port"])
def test_what_is_no_address_is_said_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError, match="SAIMI_MQTT_URL"):
        BrokerAddress.parse(url)
