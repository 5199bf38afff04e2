"""The ways in which the broker may not have us."""

from __future__ import annotations

from core.errors import BrokerError


class RefusedError(BrokerError):
    """The broker will not have us, and waiting does not help."""


class WrongVersionError(BrokerError):
    """The broker does not speak this version of MQTT."""
