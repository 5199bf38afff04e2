"""Passwords: argon2id hashes (RFC 9106), made by the command line and checked by the web."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()  # the library's defaults: RFC 9106's second recommended option
_NOBODY = _HASHER.hash("")


def hash_password(password: str) -> str:
    """Hash for `registry.member.password_hash`; takes tens of milliseconds and 64 MiB."""
    return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the one hashed in `stored`; as slow for members without a hash.

    Blocks as long as `hash_password`: from asyncio use an executor.
    """
    try:
        _HASHER.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
