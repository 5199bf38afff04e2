"""Where the MQTT broker is; one reading of its address for everybody who connects."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from core.errors import SettingsError
from core.settings import load_settings

if TYPE_CHECKING:
    import paho.mqtt.client as mqtt


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is, taken from `mqtt://user:password@host:port` (or `mqtts://`)."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    certificate: tuple[Path, Path] | None = None
    """Files of a client certificate and its key, where that is how one comes in."""

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

    def introduce(self, client: mqtt.Client) -> None:
        """Give a paho client that is not connected yet our user, our password and TLS.

        The broker's certificate is checked against SAIMI_MQTT_CA, else against the machine's own.

        Raises:
            SettingsError: SAIMI_MQTT_CA, or our certificate or key, cannot be read.
        """
        if self.user is not None:
            client.username_pw_set(self.user, self.password)
        if self.tls:
            self._trust(client)

    def _trust(self, client: mqtt.Client) -> None:
        file = load_settings().mqtt_ca
        certificate, key = self.certificate or (None, None)
        try:
            client.tls_set(
                ca_certs=None if file is None else str(file),
                certfile=None if certificate is None else str(certificate),
                keyfile=None if key is None else str(key),
            )
        except OSError as error:  # ssl.SSLError is one
            if certificate is not None and (file is None or file.is_file()):
                raise SettingsError(
                    f"The certificate {certificate} and its key cannot be used ({error}): give the "
                    "two files that belong together."
                ) from error
            raise SettingsError(
                f"SAIMI_MQTT_CA ({file}) is no file of certificates that can be read ({error}): "
                "set it to the authority's ca.crt."
            ) from error

    def __str__(self) -> str:
        """What may be shown of it."""
        return f"{self.host}:{self.port}"
