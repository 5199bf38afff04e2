"""Where the database and the broker are: from the settings, else those of a running `saimi up`."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from core.errors import SettingsError
from core.settings import load_settings

_FILE = "running.json"


class Running(msgspec.Struct):
    """What a running `saimi up` tells other commands; a file only its user may read."""

    pid: int
    database_url: str
    mqtt_url: str
    web_url: str


def write_running(data_dir: Path, running: Running) -> None:
    """Leave word in the data directory."""
    path = data_dir / _FILE
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(running))


def remove_running(data_dir: Path) -> None:
    """Take the word back."""
    (data_dir / _FILE).unlink(missing_ok=True)


def read_running(data_dir: Path) -> Running | None:
    """What a `saimi up` on this data directory left, if its process is alive."""
    try:
        running = msgspec.json.decode((data_dir / _FILE).read_bytes(), type=Running)
        os.kill(running.pid, 0)
    except (OSError, msgspec.MsgspecError):
        return None
    return running


def find_database() -> str:
    """The database's address.

    Raises:
        SettingsError: SAIMI_DATABASE_URL is not set and no `saimi up` is running here.
    """
    settings = load_settings()
    if settings.database_url is None and (running := read_running(settings.data_dir)):
        return running.database_url
    try:
        return settings.require_database_url()
    except SettingsError as error:
        raise SettingsError(f"{error} (None is running on {settings.data_dir}/ either.)") from None


def find_broker() -> str:
    """The broker's address.

    Raises:
        SettingsError: SAIMI_MQTT_URL is not set and no `saimi up` is running here.
    """
    settings = load_settings()
    if settings.mqtt_url is None and (running := read_running(settings.data_dir)):
        return running.mqtt_url
    return settings.require_mqtt_url()
