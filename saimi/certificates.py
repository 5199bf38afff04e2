"""The county's certificate authority for its broker and gateways: ECDSA P-256, X.509.

<directory>/ca.crt, ca.key       the authority; the key opens the broker, so it is kept offline
"""

from __future__ import annotations

import ipaddress
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core.errors import CertificateError

GATEWAY_DAYS = 825
AUTHORITY_DAYS = 3650
_SLACK = timedelta(minutes=5)  # for a clock that is a little behind


class Authority(NamedTuple):
    """A certificate authority that can sign."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def create_authority(directory: Path, now: datetime) -> Authority:
    """Make ca.crt and ca.key in `directory`; `now` is aware.

    Raises:
        CertificateError: there is one already, or the directory cannot be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Saimi county authority")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(directory / "ca.key", _key_bytes(key), 0o600)
    _write(directory / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return Authority(certificate, key)


def load_authority(directory: Path) -> Authority:
    """Read the authority in `directory`.

    Raises:
        CertificateError: there is none that can be used.
    """
    try:
        certificate = x509.load_pem_x509_certificate((directory / "ca.crt").read_bytes())
        key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise CertificateError(
            f"There is no certificate authority to use in {directory} ({error}): set SAIMI_CA_DIR "
            "to the folder with ca.crt and ca.key, or make one with `saimi gateway broker`."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"The key in {directory} is no elliptic curve key.")
    return Authority(certificate, key)


def issue_gateway(
    authority: Authority, name: str, directory: Path, now: datetime, *, days: int = GATEWAY_DAYS
) -> tuple[Path, Path]:
    """Write `<name>.crt` and `<name>.key` (0600) for a gateway; its common name is its name.

    Raises:
        CertificateError: they are there already, or the directory cannot be written.
    """
    return _issue(authority, name, directory, now, days, ExtendedKeyUsageOID.CLIENT_AUTH, None)


def issue_server(
    authority: Authority, host: str, directory: Path, now: datetime
) -> tuple[Path, Path]:
    """Write `server.crt` and `server.key` for the broker at `host` (a name or an address).

    Raises:
        CertificateError: they are there already, or the directory cannot be written.
    """
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    return _issue(
        authority,
        "server",
        directory,
        now,
        GATEWAY_DAYS,
        ExtendedKeyUsageOID.SERVER_AUTH,
        alternative,
    )


def _issue(
    authority: Authority,
    name: str,
    directory: Path,
    now: datetime,
    days: int,
    purpose: x509.ObjectIdentifier,
    alternative: x509.GeneralName | None,
) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(name), authority.certificate.subject, key.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if alternative is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    certificate = builder.sign(authority.key, hashes.SHA256())
    paths = directory / f"{name}.crt", directory / f"{name}.key"
    _write(paths[1], _key_bytes(key), 0o600)
    _write(paths[0], certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return paths


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + timedelta(days=days))
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """A new file: what is there is never overwritten."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except FileExistsError as error:
        raise CertificateError(
            f"{path} is there already and stays as it is; choose another folder."
        ) from error
    except OSError as error:
        raise CertificateError(f"{path} cannot be written: {error.strerror}.") from error
