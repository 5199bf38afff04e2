"""Who Saimi is to push services: its VAPID key (RFC 8292), in a file that only Saimi reads.

Browsers subscribe with its public half, so that push services take messages for them from nobody
else. With another key every browser has to subscribe anew: keep the file with the backups.
"""

from __future__ import annotations

import base64
import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.errors import SettingsError

_LIFE = timedelta(hours=12)
"""Of a signed claim; RFC 8292 allows 24 hours."""


class Identity:
    """The key, and whom a push service may write to about what we send."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, contact: str) -> None:
        from py_vapid import Vapid02

        self._vapid: Any = Vapid02(private_key=key)
        self._contact = contact
        self.public_key = public_text(key.public_key())
        """What browsers subscribe with (applicationServerKey): base64url of the point."""

    def authorization(self, endpoint: str, wall: datetime) -> dict[str, str]:
        """The header that says who sends to `endpoint`."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((wall + _LIFE).timestamp()),
            "sub": self._contact,
        }
        header: dict[str, str] = self._vapid.sign(claims)
        return header


def public_text(key: ec.EllipticCurvePublicKey) -> str:
    """A public key as browsers take it."""
    point = key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in `path`, made on first use; complete or not at all, whoever makes it as well.

    Raises:
        SettingsError: the file cannot be read or written, or holds no such key.
    """
    try:
        if not path.exists():
            _make(path)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SettingsError(
            f"The key for push messages, {path}, cannot be used ({error.strerror}): set "
            "SAIMI_VAPID_KEY_FILE to a file that Saimi may read."
        ) from error
    except (ValueError, TypeError) as error:
        raise SettingsError(
            f"{path} holds no private key that can be read: put the one from the backup there, or "
            "remove it, and all browsers have to subscribe anew."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise SettingsError(f"{path} holds a key of another kind than P-256: name another file.")
    return key


def _make(path: Path) -> None:
    content = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # somebody else was first: theirs is the key
            path.hardlink_to(made)
    finally:
        made.unlink(missing_ok=True)
