"""What a gateway is given to come in with, and what its broker is set up from."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from core.broker import BrokerAddress
from core.errors import UserError
from core.settings import Settings
from saimi.broker_access import (
    ADMIN,
    DELIVER,
    INGEST,
    admission,
    control,
    expulsion,
    new_access_file,
    new_password,
)
from saimi.certificates import create_authority, issue_gateway, issue_server, load_authority
from saimi.county_broker import Credentials, bridge_configuration, county_configuration


class Request(NamedTuple):
    """What an operator asked for."""

    gateway: str
    certificate: Path | None
    renew: bool
    bridge: Path | None
    broker: str | None

    def check(self, settings: Settings) -> None:
        """Refuse what cannot be done, before anything is.

        Raises:
            UserError: it contradicts itself, or a setting is missing.
        """
        if self.certificate is not None and self.renew:
            raise UserError("A gateway has a password or a certificate: choose one.")
        if self.bridge is not None and self.broker is None:
            raise UserError("Say where the home reaches the county's broker: --broker host:port.")
        if self.bridge is not None and self.bridge.exists():
            raise UserError(f"{self.bridge} is there already and stays as it is.")
        if settings.broker_admin_url is None and (self.certificate or self.renew or self.bridge):
            raise UserError(
                "SAIMI_BROKER_ADMIN_URL is not set, so nobody can be let in at the broker: set it "
                "to mqtts://saimi-admin:password@host:8883."
            )
        if self.certificate is not None:
            if settings.ca_dir is None:
                raise UserError("SAIMI_CA_DIR is not set: set it to the folder with ca.key.")
            load_authority(settings.ca_dir)


class Given(NamedTuple):
    """What a gateway was given now; None: nothing of the kind."""

    kind: str | None = None
    password: str | None = None
    certificate: str | None = None
    key: str | None = None
    bridge: str | None = None


def give(request: Request, settings: Settings, had: str | None, now: datetime) -> Given:
    """Let a gateway in at the broker and hand out its credentials; `had` is the kind it has.

    A gateway that has a password keeps it unless another is asked for.

    Raises:
        BrokerAccessError: the broker was not told.
        CertificateError, UserError: a file cannot be written.
    """
    if settings.broker_admin_url is None:
        return Given()
    if had is not None and not request.renew and request.certificate is None:
        if request.bridge is not None:
            raise UserError(
                "The gateway has its credentials already, and they are kept nowhere in clear: add "
                "--new-password to write a bridge with a new one."
            )
        return Given()
    given = Given("password", password=new_password())
    if request.certificate is not None:
        assert settings.ca_dir is not None  # noqa: S101 - Request.check looked
        paths = issue_gateway(
            load_authority(settings.ca_dir), request.gateway, request.certificate, now
        )
        given = Given("certificate", certificate=str(paths[0]), key=str(paths[1]))
    url = settings.broker_admin_url.get_secret_value()
    # Whoever came in with the old credentials goes.
    control(url, expulsion(request.gateway), again=True)
    control(url, admission(request.gateway, given.password))
    if request.bridge is None or request.broker is None:
        return given
    text = bridge_configuration(
        request.gateway,
        str(BrokerAddress.parse(f"mqtts://{request.broker}")),
        Credentials(given.password, given.certificate, given.key),
    )
    _write_secret(request.bridge, text)
    return given._replace(bridge=str(request.bridge))


def make_broker(folder: Path, host: str, now: datetime) -> dict[str, str]:
    """Write mosquitto.conf, dynamic-security.json, ca.*, server.*; the passwords made for it.

    Raises:
        CertificateError, UserError: something is there already, or cannot be written.
    """
    authority = create_authority(folder, now)
    issue_server(authority, host, folder, now)
    admin, ingest, deliver = (new_password() for _ in range(3))
    _write_secret(folder / "dynamic-security.json", new_access_file(admin, ingest, deliver))
    _write_secret(folder / "mosquitto.conf", county_configuration())
    return {
        "folder": str(folder),
        "SAIMI_BROKER_ADMIN_URL": f"mqtts://{ADMIN}:{admin}@{host}:8883",
        "SAIMI_MQTT_URL": f"mqtts://{INGEST}:{ingest}@{host}:8883",
        "SAIMI_DELIVER_MQTT_URL": f"mqtts://{DELIVER}:{deliver}@{host}:8883",
        "SAIMI_MQTT_CA": str(folder / "ca.crt"),
    }


def _write_secret(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
