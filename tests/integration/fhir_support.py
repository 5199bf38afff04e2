"""The FHIR API over the county of `web_support`: tokens, requests, what leaves being valid."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from fhir.resources.R4B import get_fhir_model_class
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from saimi.fhir_parts import Intake
from tests.integration.web_support import County, serving
from web.fhir.entry import Fhir
from web.fhir.tokens import Verifier
from web.tokens import Issuer, Provider

ISSUER, AUDIENCE = "https://id.county.test", "https://saimi.county.test/fhir"
READ = "user/*.rs"


class Identity:
    """An identity provider, as far as the API hears of it: keys in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.publish()

    def publish(self) -> None:
        self.file.write_text(json.dumps(KeySet([self.key]).as_dict(private=False)))

    def token(self, username: str | None, scope: object = READ, **claims: Any) -> str:
        told = {
            "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600, "scope": scope,
            "client_id": "record",
        }  # fmt: skip
        if username is not None:
            told["preferred_username"] = username
        header = {"alg": "ES256", "kid": str(self.key.kid)}
        kept = {name: value for name, value in (told | claims).items() if value is not None}
        return str(jwt.encode(header, kept, self.key, algorithms=["ES256"]))

    def verifier(self) -> Verifier:
        return Verifier(Provider(Issuer(ISSUER, str(self.file))), AUDIENCE)


class Api:
    """A caller with a token."""

    def __init__(self, session: aiohttp.ClientSession, token: str | None) -> None:
        self._session = session
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.headers: Mapping[str, str] = {}

    async def get(self, path: str, *, status: int = 200, **headers: str) -> Any:
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        where = path if path.startswith("http") else f"/fhir/R4/{path}"
        async with self._session.get(where, headers=sent, allow_redirects=False) as answer:
            return await self._checked(answer, status)

    async def post(self, path: str, content: Any, *, status: int = 201) -> Any:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = self._headers | {"Content-Type": "application/fhir+json"}
        where = f"/fhir/R4/{path}".rstrip("/")
        async with self._session.post(where, data=body, headers=headers) as answer:
            return await self._checked(answer, status)

    async def _checked(self, answer: aiohttp.ClientResponse, status: int) -> Any:
        text = await answer.text()
        self.headers = answer.headers
        assert answer.status == status, (answer.status, text[:2000])
        if not text:
            return None
        assert answer.content_type == "application/fhir+json", text[:500]
        told = json.loads(text)
        get_fhir_model_class(told["resourceType"]).model_validate_json(text)
        return told


@asynccontextmanager
async def fhir_api(place: County, identity: Identity) -> AsyncIterator[aiohttp.ClientSession]:
    """The real service with tokens and with ingest behind it."""
    intake = Intake(place.url, place.clock, timedelta(days=3650))
    given = Fhir(identity.verifier(), intake.admit)
    async with serving(place, fhir_parts=given) as address, aiohttp.ClientSession(address) as one:
        yield one


def said(outcome: dict[str, Any]) -> str:
    """The first sentence of an OperationOutcome."""
    assert outcome["resourceType"] == "OperationOutcome"
    text: str = outcome["issue"][0]["details"]["text"]
    return text


def found(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources of a Bundle."""
    return [entry["resource"] for entry in bundle.get("entry", [])]


def link(bundle: dict[str, Any], relation: str) -> str | None:
    """A link of a Bundle."""
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)
