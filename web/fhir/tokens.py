"""Bearer tokens: JWTs (RFC 9068) of the county's identity provider, checked against its keys.

A token names a registered member: a person by `username_claim`, a service (client credentials) by
its client id. Scopes take away from what that member may see; they add nothing but names.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.errors import SaimiError, SettingsError
from web.fhir.outcome import FhirError
from web.fhir.scopes import Grant, parse

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Signatures that are taken: none with a shared secret, and never none at all."""
_LEEWAY_S = 30
_FRESH = timedelta(minutes=10)
_AGAIN = timedelta(seconds=30)
"""How soon after one fetch of the keys an unknown key asks for another."""
_MAX_KEYS = 256 * 1024


class IssuerAwayError(SaimiError):
    """The identity provider's keys cannot be had."""

    http_status = 503


@dataclass(frozen=True)
class Issuer:
    """Who gives tokens out, and for whom."""

    issuer: str
    audience: str
    keys: str
    """Address of its JWK set, or a file."""
    username_claim: str = "preferred_username"


@dataclass(frozen=True)
class Bearer:
    """What a token says once it is believed."""

    username: str
    client: str
    """The program that asks."""
    grant: Grant
    until: datetime


def refused(why: str) -> FhirError:
    """A token that is not believed."""
    return FhirError(f"The bearer token is refused: {why}.", status=401, code="login")


class Verifier:
    """Checks tokens of one issuer; its keys are kept for ten minutes."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._keys: KeySet | None = None
        self._fetched_at: datetime | None = None
        self._fetching = asyncio.Lock()

    async def bearer(self, token: str, *, wall: datetime) -> Bearer:
        """What `token` says.

        Raises:
            FhirError: it is not believed (401), and why.
            IssuerAwayError: the keys to check it with cannot be had.
        """
        keys = await self._current(wall)
        try:
            claims = _claims(token, keys)
        except _UnknownKeyError:
            try:
                claims = _claims(token, await self._current(wall, newer=keys))
            except _UnknownKeyError:
                raise refused("it is signed with a key that its issuer does not list") from None
        return self._believed(claims, wall)

    def _believed(self, claims: dict[str, Any], wall: datetime) -> Bearer:
        now = int(wall.timestamp())
        issuer = self._issuer
        checks = jwt.JWTClaimsRegistry(
            now=now, leeway=_LEEWAY_S,
            iss={"essential": True, "value": issuer.issuer},
            aud={"essential": True, "value": issuer.audience},
            exp={"essential": True},
        )  # fmt: skip
        try:
            checks.validate(claims)
        except JoseError as error:
            raise refused(_why(error)) from None
        except (TypeError, ValueError):
            raise refused("its claims cannot be read") from None
        client = _text(claims, "client_id") or _text(claims, "azp")
        username = _text(claims, issuer.username_claim) or client
        if username is None:
            raise refused("it names nobody")
        scope = claims.get("scope", "")
        if not isinstance(scope, str | list) or not all(isinstance(one, str) for one in scope):
            raise refused("its scopes cannot be read")
        patient = _text(claims, "patient")
        return Bearer(
            username, client or username, Grant(parse(scope), patient),
            datetime.fromtimestamp(float(claims["exp"]), tz=UTC),
        )  # fmt: skip

    async def _current(self, wall: datetime, newer: KeySet | None = None) -> KeySet:
        """The issuer's keys; newer ones than `newer`, unless these were fetched just now."""
        async with self._fetching:
            keys, at = self._keys, self._fetched_at
            age = _FRESH if at is None else wall - at
            if keys is not None and age < (_AGAIN if keys is newer else _FRESH):
                return keys
            try:
                keys = KeySet.import_key_set(json.loads(await self._fetch()))
            except (OSError, TimeoutError, aiohttp.ClientError, ValueError, KeyError, TypeError,
                    JoseError) as error:  # fmt: skip
                raise IssuerAwayError(
                    "The keys of the county's identity provider cannot be had, so no token can be "
                    f"checked ({type(error).__name__}): try again in a moment."
                ) from error
            self._keys, self._fetched_at = keys, wall
            return keys

    async def _fetch(self) -> bytes:
        where = self._issuer.keys
        if not where.startswith(("https://", "http://")):
            return await asyncio.to_thread(Path(where).read_bytes)
        limit = aiohttp.ClientTimeout(total=5)
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(where, allow_redirects=False) as answer,
        ):
            answer.raise_for_status()
            body = await answer.content.read(_MAX_KEYS + 1)
            while len(body) <= _MAX_KEYS and (more := await answer.content.read(_MAX_KEYS)):
                body += more
            if len(body) > _MAX_KEYS:
                raise ValueError("too many keys")
            return body


class _UnknownKeyError(Exception):
    """The token's key is not in the set: it may have been added since."""


def _claims(token: str, keys: KeySet) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
    except JoseError as error:
        if error.error in ("invalid_key_id", "missing_key"):
            raise _UnknownKeyError from None
        raise refused(_why(error)) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise refused("it cannot be read") from None


def _why(error: JoseError) -> str:
    claim = getattr(error, "claim", None)
    if error.error == "invalid_claim" and claim in ("nbf", "iat"):
        return "it is not valid yet"
    said = {
        "expired_token": "it has expired",
        "bad_signature": "its signature is not right",
        "missing_claim": "it lacks a claim that it must have (iss, aud, exp)",
        "invalid_claim": "it is of another issuer, or for another audience",
        "invalid_token": "it is not valid yet",
    }
    return said.get(error.error, "it cannot be read")


def _text(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= 256 else None


def issuer_of(
    issuer: str | None, audience: str | None, keys: str | None, username_claim: str
) -> Issuer | None:
    """The issuer that settings name; None: bearer tokens are not taken.

    Raises:
        SettingsError: a part of it is missing.
    """
    if issuer is None and audience is None and keys is None:
        return None
    if not (issuer and audience and keys):
        raise SettingsError(
            "Bearer tokens need SAIMI_FHIR_ISSUER, SAIMI_FHIR_AUDIENCE and SAIMI_FHIR_KEYS: set "
            "all three, or none."
        )
    return Issuer(issuer, audience, keys, username_claim)
