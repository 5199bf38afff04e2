"""The county's identity provider, as settings name it: one for staff and for programs."""

from __future__ import annotations

from core.errors import SettingsError
from core.settings import Settings
from web.tokens import Client, Issuer, Provider


def provider_of(settings: Settings) -> Provider | None:
    """The provider that settings name.

    Raises:
        SettingsError: something needs a provider, and none is named.
    """
    if settings.oidc_issuer is None:
        needing = {
            "SAIMI_OIDC_CLIENT_ID": settings.oidc_client_id,
            "SAIMI_OIDC_AUDIENCE": settings.oidc_audience,
            "SAIMI_OIDC_KEYS": settings.oidc_keys,
        }
        named = next((name for name, value in needing.items() if value is not None), None)
        if named is not None:
            raise SettingsError(
                f"{named} is set without SAIMI_OIDC_ISSUER, so nobody knows whose it is: set both, "
                "or neither."
            )
        if not settings.password_login:
            raise SettingsError(
                "SAIMI_PASSWORD_LOGIN is off and there is no SAIMI_OIDC_ISSUER, so nobody could "
                "log in: set the one, or leave the other on."
            )
        return None
    return Provider(Issuer(settings.oidc_issuer, settings.oidc_keys, settings.oidc_username_claim))


def client_of(settings: Settings, provider: Provider | None) -> Client | None:
    """How staff log in at the provider; None: they do not.

    Raises:
        SettingsError: the address that it sends browsers back to is not set.
    """
    if provider is None or settings.oidc_client_id is None:
        if not settings.password_login:
            raise SettingsError(
                "SAIMI_PASSWORD_LOGIN is off and there is no SAIMI_OIDC_CLIENT_ID, so nobody could "
                "log in: set the one, or leave the other on."
            )
        return None
    if settings.public_url is None:
        raise SettingsError(
            "SAIMI_OIDC_CLIENT_ID needs SAIMI_PUBLIC_URL, the address that browsers are sent back "
            "to after the login: set it as the provider has it registered."
        )
    if "openid" not in settings.oidc_scopes.split():
        raise SettingsError("SAIMI_OIDC_SCOPES must have openid, or there is no login: add it.")
    secret = settings.oidc_client_secret
    return Client(
        provider,
        settings.oidc_client_id,
        None if secret is None else secret.get_secret_value(),
        settings.oidc_scopes,
    )
