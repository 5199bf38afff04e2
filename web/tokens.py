"""Tokens of the county's identity provider (OpenID Connect): signed JWTs, checked with its keys.

Two uses: the ID token of somebody who logs in (web.oidc), and the access token of a program that
comes to the FHIR API (web.fhir.tokens). What is checked of every token is here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from core.errors import SaimiError
from web.fetched import Kept, NotFetchedError, read_json

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Signatures that are taken: none with a shared secret, and never none at all."""
_LEEWAY_S = 30
_FRESH_KEYS = timedelta(minutes=10)
_FRESH_METADATA = timedelta(hours=1)
_AGAIN = timedelta(seconds=30)
"""How soon after one fetch of the keys an unknown key asks for another."""
_LONGEST = 16 * 1024
"""Characters of a token."""


class IssuerAwayError(SaimiError):
    """The identity provider, or its keys, cannot be had."""

    http_status = 503


class TokenRefusedError(SaimiError):
    """A token that is not believed; `why` is half a sentence."""

    http_status = 401

    def __init__(self, why: str) -> None:
        super().__init__(f"The token is refused: {why}.")
        self.why = why


@dataclass(frozen=True)
class Issuer:
    """Who gives tokens out."""

    issuer: str
    keys: str | None = None
    """Address of its JWK set, or a file; None: where its own discovery document says."""
    username_claim: str = "preferred_username"
    """What of a token names the member (`registry.member.identity`, else the username)."""


@dataclass(frozen=True)
class Metadata:
    """What the provider says of itself (OpenID Connect Discovery 1.0), as far as it is used."""

    authorization: str
    token: str
    keys: str
    end_session: str | None
    posts_secret: bool
    """Whether it takes a client's secret in the form only."""


class Provider:
    """The county's identity provider: its addresses kept for an hour, its keys ten minutes."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self._metadata = Kept(self._discover, fresh=_FRESH_METADATA)
        self._keys = Kept(self._fetch_keys, fresh=_FRESH_KEYS)

    async def metadata(self, *, wall: datetime) -> Metadata:
        """Where it does what.

        Raises:
            IssuerAwayError: that cannot be found out.
        """
        try:
            return await self._metadata.get(wall, again=_AGAIN)
        except NotFetchedError as error:
            raise IssuerAwayError(
                f"The county's identity provider does not say where it does what ({error}): try "
                "again in a moment."
            ) from error

    async def claims(self, token: str, *, audience: str, wall: datetime) -> dict[str, Any]:
        """What a token says that this provider signed, for `audience`, and that still holds.

        Raises:
            TokenRefusedError: it is not believed.
            IssuerAwayError: the keys to check it with cannot be had.
        """
        if len(token) > _LONGEST:
            raise TokenRefusedError("it is too long")
        keys = await self._current(wall)
        try:
            claims = _signed(token, keys)
        except _UnknownKeyError:
            try:
                claims = _signed(token, await self._current(wall, other_than=keys))
            except _UnknownKeyError:
                raise TokenRefusedError(
                    "it is signed with a key that its issuer does not list"
                ) from None
        checks = jwt.JWTClaimsRegistry(
            now=int(wall.timestamp()), leeway=_LEEWAY_S,
            iss={"essential": True, "value": self.issuer.issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )  # fmt: skip
        try:
            checks.validate(claims)
        except JoseError as error:
            raise TokenRefusedError(_why(error)) from None
        except (TypeError, ValueError):
            raise TokenRefusedError("its claims cannot be read") from None
        return claims

    async def _current(self, wall: datetime, *, other_than: KeySet | None = None) -> KeySet:
        try:
            return await self._keys.get(wall, other_than=other_than, again=_AGAIN)
        except NotFetchedError as error:
            raise IssuerAwayError(
                "The keys of the county's identity provider cannot be had, so no token can be "
                f"checked ({error}): try again in a moment."
            ) from error

    async def _fetch_keys(self, wall: datetime) -> KeySet:
        where = self.issuer.keys
        if where is None:
            where = (await self._metadata.get(wall, again=_AGAIN)).keys
        try:
            found = cast(KeySetSerialization, await read_json(where))
            return KeySet.import_key_set(found)
        except (ValueError, KeyError, TypeError, JoseError) as error:
            raise NotFetchedError("they are no JWK set") from error

    async def _discover(self, _wall: datetime) -> Metadata:
        issuer = self.issuer.issuer
        found = await read_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise NotFetchedError("it says that it is another issuer")
        challenges = found.get("code_challenge_methods_supported")
        if isinstance(challenges, list) and "S256" not in challenges:
            raise NotFetchedError("it does not know PKCE with S256")
        methods = found.get("token_endpoint_auth_methods_supported")
        return Metadata(
            authorization=self._address(found, "authorization_endpoint"),
            token=self._address(found, "token_endpoint"),
            keys=self._address(found, "jwks_uri"),
            end_session=(
                self._address(found, "end_session_endpoint")
                if "end_session_endpoint" in found
                else None
            ),
            posts_secret=isinstance(methods, list) and "client_secret_basic" not in methods,
        )

    def _address(self, found: dict[str, Any], name: str) -> str:
        """An address of the document: as safe as the issuer's own."""
        value = found.get(name)
        scheme = urlsplit(self.issuer.issuer).scheme
        if not isinstance(value, str) or urlsplit(value).scheme not in {"https", scheme}:
            raise NotFetchedError(f"its {name} is no address that can be used")
        return value


@dataclass(frozen=True)
class Client:
    """Saimi at the provider, where staff log in."""

    provider: Provider
    id: str
    secret: str | None = field(default=None, repr=False)
    scopes: str = "openid profile"


class _UnknownKeyError(Exception):
    """The token's key is not in the set: it may have been added since."""


def text_claim(claims: dict[str, Any], name: str) -> str | None:
    """A claim that is a text of sensible length."""
    value = claims.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= 256 else None


def _signed(token: str, keys: KeySet) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
    except JoseError as error:
        if error.error in ("invalid_key_id", "missing_key"):
            raise _UnknownKeyError from None
        raise TokenRefusedError(_why(error)) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TokenRefusedError("it cannot be read") from None


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
