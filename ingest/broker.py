"""Where the broker is, and the ways in which it may not have us."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from core.errors import BrokerError, SettingsError


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is, taken from `mqtt://user:password@host:port` (or `mqtts://`)."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False

    @classmethod
    def parse(cls, url: str) -> BrokerAddress:
        """Take an address apart.

        Raises:
            SettingsError: it is not an MQTT address.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise SettingsError(
                "The broker's address is no MQTT address: write SAIMI_MQTT_URL as "
                "mqtt://user:password@host:1883, or mqtts:// for TLS."
            )
        tls = parts.scheme == "mqtts"
        return cls(
            parts.hostname,
            port or (8883 if tls else 1883),
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
            tls,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class RefusedError(BrokerError):
    """The broker will not have us, and waiting does not help."""


class WrongVersionError(BrokerError):
    """The broker does not speak this version of MQTT."""
