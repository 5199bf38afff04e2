"""Bearer tokens: JWTs (RFC 9068) of the county's identity provider.

A token names a registered member: a person by the issuer's username claim, a service (client
credentials) by its client id. Scopes take away from what that member may see; they add nothing but
names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from web.fhir.outcome import FhirError
from web.fhir.scopes import Grant, parse
from web.tokens import Provider, TokenRefusedError, text_claim


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


@dataclass(frozen=True)
class Verifier:
    """Checks tokens that a provider gives out for `audience`."""

    provider: Provider
    audience: str

    async def bearer(self, token: str, *, wall: datetime) -> Bearer:
        """What `token` says.

        Raises:
            FhirError: it is not believed (401), and why.
            IssuerAwayError: the keys to check it with cannot be had.
        """
        try:
            claims = await self.provider.claims(token, audience=self.audience, wall=wall)
        except TokenRefusedError as error:
            raise refused(error.why) from None
        return self._read(claims)

    def _read(self, claims: dict[str, Any]) -> Bearer:
        client = text_claim(claims, "client_id") or text_claim(claims, "azp")
        username = text_claim(claims, self.provider.issuer.username_claim) or client
        if username is None:
            raise refused("it names nobody")
        scope = claims.get("scope", "")
        if not isinstance(scope, str | list) or not all(isinstance(one, str) for one in scope):
            raise refused("its scopes cannot be read")
        return Bearer(
            username, client or username, Grant(parse(scope), text_claim(claims, "patient")),
            datetime.fromtimestamp(float(claims["exp"]), tz=UTC),
        )  # fmt: skip
