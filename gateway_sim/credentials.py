"""How each simulated gateway comes in at the broker: what `saimi gateway enrol` handed out.

Either a folder of certificates (`enrol --certificate FOLDER`: `<gateway>.crt`, `<gateway>.key`), or
a file with one JSON object a line, as `enrol --json` prints them:

    {"gateway": "gw-000001", "password": "…"}
    {"gateway": "gw-000002", "certificate": "gw-000002.crt", "key": "gw-000002.key"}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from core.broker import BrokerAddress
from core.errors import UserError

_MOST_BYTES = 64 * 1024 * 1024


class _Line(msgspec.Struct):
    gateway: str
    password: str | None = None
    certificate: str | None = None
    key: str | None = None


def load_credentials(
    path: Path, gateways: Iterable[str], address: BrokerAddress
) -> Mapping[str, BrokerAddress]:
    """The broker's address as each gateway comes in there.

    Raises:
        UserError: the file is wrong (names the line), or a gateway has no credentials.
    """
    found = _of_folder(path, address) if path.is_dir() else _of_file(path, address)
    wanted = list(gateways)
    missing = [gateway for gateway in wanted if gateway not in found]
    if missing:
        raise UserError(
            f"{path} has no credentials for {missing[0]}"
            + (f" and {len(missing) - 1:,} others" if len(missing) > 1 else "")
            + ": enrol each gateway (saimi gateway enrol), or simulate fewer homes."
        )
    return {gateway: found[gateway] for gateway in wanted}


def _of_folder(folder: Path, address: BrokerAddress) -> dict[str, BrokerAddress]:
    return {
        file.stem: _certified(address, str(folder), file, file.with_suffix(".key"))
        for file in sorted(folder.glob("*.crt"))
        if file.with_suffix(".key").is_file()
    }


def _of_file(path: Path, address: BrokerAddress) -> dict[str, BrokerAddress]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UserError(f"{path} has more than {_MOST_BYTES:,} bytes: it is no credentials.")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UserError(
            f"{path} cannot be read ({reason}): name the file or the folder that holds what "
            "`saimi gateway enrol` gave out."
        ) from None
    found: dict[str, BrokerAddress] = {}
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        where = f"{path}, line {number}"
        try:
            line = msgspec.json.decode(text, type=_Line)
        except msgspec.MsgspecError as error:
            raise UserError(
                f"{where} is not what `saimi gateway enrol --json` prints: {error}."
            ) from None
        if line.password is not None:
            found[line.gateway] = replace(address, user=line.gateway, password=line.password)
        elif line.certificate is not None and line.key is not None:
            certificate, key = (_beside(path, name) for name in (line.certificate, line.key))
            found[line.gateway] = _certified(address, where, certificate, key)
        else:
            raise UserError(f"{where} has neither a password nor a certificate with its key.")
    return found


def _beside(path: Path, name: str) -> Path:
    """A file as it was named when it was made, or beside the credentials."""
    return Path(name) if Path(name).is_file() else path.parent / name


def _certified(address: BrokerAddress, where: str, certificate: Path, key: Path) -> BrokerAddress:
    if not address.tls:
        raise UserError(
            f"{where}: a certificate needs TLS, and SAIMI_MQTT_URL is not mqtts://: correct it."
        )
    for file in (certificate, key):
        if not file.is_file():
            raise UserError(f"{where}: there is no file {file}.")
    return replace(address, user=None, password=None, certificate=(certificate, key))
