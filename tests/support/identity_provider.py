"""A real OpenID Connect provider of other people's making: Django OAuth Toolkit on Django.

    python -m tests.support.identity_provider PORT CALLBACK AFTER_LOGOUT

Serves on 127.0.0.1 until its standard input ends, and says `ready` once it does. Its users are
those of `USERS`, with the password `PASSWORD`; its client is `CLIENT`, which needs PKCE.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from importlib import import_module
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

PASSWORD = "a county password"
USERS = {"nina": "Nina Nurse", "p-4711": "Matti Mate", "unknown": "Ulla Unknown"}
CLIENT, SECRET = "saimi", "s3cret with: odd/characters"


def _configure(folder: Path, issuer: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from django.conf import settings

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    settings.configure(
        SECRET_KEY="tests only",
        DEBUG=False,
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db.sqlite3"}
        },
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "DIRS": [folder],
            }
        ],
        LOGIN_URL="/accounts/login/",
        SESSION_COOKIE_NAME="provider",
        CSRF_COOKIE_NAME="provider-csrf",
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": pem.decode(),
            "OIDC_ISS_ENDPOINT": issuer,
            "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
            "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
            "PKCE_REQUIRED": True,
            "SCOPES": {"openid": "who you are", "profile": "your name"},
            "OAUTH2_VALIDATOR_CLASS": f"{__name__}.validator",
        },
    )
    (folder / "registration").mkdir()
    (folder / "registration" / "login.html").write_text(
        '<!doctype html><html lang="en"><title>County login</title><form method="post">'
        '{% csrf_token %}{{ form.as_p }}<button id="in">In</button></form></html>'
    )


def __getattr__(name: str) -> Any:
    """What Django finds here by name, once it is configured."""
    if name == "urlpatterns":
        from django.contrib.auth.views import LoginView
        from django.urls import include, path

        return [
            path("accounts/login/", LoginView.as_view()),
            path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        ]
    if name == "validator":
        from oauth2_provider.oauth2_validators import OAuth2Validator

        class Validator(OAuth2Validator):  # type: ignore[misc] # no types there
            oidc_claim_scope = None

            def get_additional_claims(self, request: Any) -> dict[str, str]:
                user = request.user
                return {"preferred_username": user.username, "name": user.first_name}

        return Validator
    raise AttributeError(name)


def _fill(callback: str, after_logout: str) -> None:
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    for username, name in USERS.items():
        User.objects.create_user(username, password=PASSWORD, first_name=name)
    Application.objects.create(
        client_id=CLIENT,
        client_secret=SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=callback,
        post_logout_redirect_uris=after_logout,
        skip_authorization=True,
        algorithm=Application.RS256_ALGORITHM,
        name="Saimi",
    )


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def main() -> None:
    port, callback, after_logout = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    with tempfile.TemporaryDirectory() as folder:
        _configure(Path(folder), f"http://127.0.0.1:{port}/o")
        import django
        from django.core.wsgi import get_wsgi_application

        django.setup()
        _fill(callback, after_logout)
        server = make_server(
            "127.0.0.1", port, get_wsgi_application(), _Server, handler_class=_Quiet
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    # Django finds this module by its own name, so that is the one that serves.
    import_module("tests.support.identity_provider").main()
