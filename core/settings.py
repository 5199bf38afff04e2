"""Settings from the environment (`SAIMI_…`); secrets come from there or from files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError
from core.roles import WebUrls


class Settings(BaseSettings):
    """Everything a service can be told from outside. Each field is `SAIMI_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="SAIMI_", secrets_dir=None, extra="ignore")

    database_url: SecretStr | None = Field(
        default=None, description="postgresql://user@host/database"
    )
    web_database_url: SecretStr | None = Field(
        default=None,
        description="The database as saimi_web, for the web service; else made from database_url",
    )
    login_database_url: SecretStr | None = Field(
        default=None, description="The database as saimi_login; set with web_database_url"
    )
    mqtt_url: SecretStr | None = Field(default=None, description="mqtt://user:password@host:1883")
    mqtt_ca: Path | None = Field(
        default=None, description="Certificates that an mqtts:// broker is trusted by (PEM)"
    )
    deliver_mqtt_url: SecretStr | None = Field(
        default=None,
        description="The broker as who delivers, who writes down/message alone; else mqtt_url",
    )
    broker_admin_url: SecretStr | None = Field(
        default=None, description="The broker as its administrator: mqtts://saimi-admin:…@host:8883"
    )
    ca_dir: Path | None = Field(
        default=None, description="The authority that signs gateways: ca.crt and ca.key"
    )
    rules_file: Path | None = Field(
        default=None,
        description="The alert engine's rules; absent: accepted at the desk, or shipped",
    )
    data_dir: Path = Field(default=Path("data"), description="Where `saimi up` keeps everything")
    model_dir: Path | None = Field(
        default=None,
        description="What `saimi train` wrote; without it alerts follow rules only",
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(lambda name: name.upper())
    ] = "INFO"
    log_json: bool = Field(default=False, description="One JSON object a line instead of text")
    web_host: str = Field(default="127.0.0.1", description="Address the web service listens on")
    web_port: int = Field(default=8080, ge=0, le=65535)
    public_url: str | None = Field(default=None, description="The address browsers use")
    vapid_key_file: Path | None = Field(
        default=None,
        description="The key that push messages are signed with (PEM); else vapid.pem in data_dir",
    )
    oidc_issuer: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#]+$",
        description="The county's identity provider (OpenID Connect): its issuer, exactly as in "
        "its tokens",
    )
    oidc_client_id: str | None = Field(
        default=None, description="What it knows Saimi as; set: staff log in there"
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Saimi's secret there; absent: a public client"
    )
    oidc_scopes: str = Field(
        default="openid profile", description="What Saimi asks for when somebody logs in"
    )
    oidc_username_claim: str = Field(
        default="preferred_username",
        description="What of a token names the member, their personnel number say; of a program's "
        "token that lacks it, its client_id does",
    )
    oidc_audience: str | None = Field(
        default=None,
        description="For whom the access tokens are given out (aud) that the FHIR API takes; "
        "absent: it takes none",
    )
    oidc_keys: str | None = Field(
        default=None,
        description="The provider's keys: address of a JWK set, or a file; absent: as its "
        "discovery document says",
    )
    password_login: bool = Field(
        default=True, description="Whether members with a password may log in with it"
    )
    push_contact: str = Field(
        default="mailto:postmaster@localhost",
        pattern=r"^(mailto:[^@\s]+@[^@\s]+|https://\S+)$",
        description="Whom a push service may write to about what we send it: mailto: or https:",
    )
    push_services: str = Field(
        default="",
        description="Push services besides those of the common browsers, scheme and host each, "
        "parted by spaces",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address metrics are shown on")
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port of /metrics, /health and /ready; each process needs its own",
    )
    retention_days: int = Field(
        default=3650, ge=1, description="Readings older than this are refused, then removed"
    )
    rejected_days: int = Field(
        default=90, ge=1, description="How long rejected messages and their counts are kept"
    )
    rejected_rows: int = Field(
        default=500_000, ge=1, description="Rejected messages and readings kept at most"
    )
    rejected_mb: int = Field(default=1024, ge=1, description="Megabytes these take at most")
    rejected_gateway_rows: int = Field(
        default=10_000, ge=1, description="Of one gateway; what comes then is only counted"
    )
    rejected_gateway_mb: int = Field(
        default=16, ge=1, description="Megabytes these take at most of one gateway"
    )
    watchdog_urls: SecretStr | None = Field(
        default=None,
        description="Apprise URLs, parted by blanks: who is paged when Saimi itself stops",
    )
    watchdog_ping_url: SecretStr | None = Field(
        default=None, description="Address outside that misses us when nothing asks for it"
    )
    watchdog_ping_s: float = Field(default=60.0, ge=1, description="Seconds between two such")
    watchdog_after_s: float = Field(
        default=60.0, ge=2, le=3600, description="A service silent for so long has stopped"
    )
    watchdog_language: Literal["fi", "sv", "en"] = "fi"
    grafana_url: SecretStr | None = Field(
        default=None,
        description="Grafana's server as its administrator, for `saimi grafana sync`: "
        "https://user:password@host",
    )
    grafana_public_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="The address of Grafana that browsers use; without it Saimi shows no links",
    )
    grafana_database: str | None = Field(
        default=None,
        description="host:port of the database as Grafana reaches it; else that of database_url",
    )
    grafana_sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = Field(
        default="require", description="How Grafana checks the database's certificate"
    )
    grafana_prometheus_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="A Prometheus that Grafana reaches: adds rates and lags to operations",
    )
    database_pool: int = Field(
        default=8, ge=2, le=200, description="Connections a process keeps at most"
    )

    def require_database_url(self) -> str:
        """The database's address.

        Raises:
            SettingsError: it is not set.
        """
        if self.database_url is None:
            raise SettingsError(
                "SAIMI_DATABASE_URL is not set, so there is no database to use: set it to "
                "postgresql://user:password@host/database, or use `saimi up`, which brings its own."
            )
        return self.database_url.get_secret_value()

    def web_urls(self) -> WebUrls | None:
        """How the web service reaches the database, where it is told so.

        Raises:
            SettingsError: one of the two is missing.
        """
        web, login = self.web_database_url, self.login_database_url
        if web is None and login is None:
            return None
        if web is None or login is None:
            raise SettingsError(
                "SAIMI_WEB_DATABASE_URL and SAIMI_LOGIN_DATABASE_URL are of use together only: "
                "set both, or neither."
            )
        return WebUrls(web.get_secret_value(), login.get_secret_value())

    @property
    def vapid_key(self) -> Path:
        """Where the key for push messages is."""
        return self.vapid_key_file or self.data_dir / "vapid.pem"

    def watchdog_addresses(self) -> list[str]:
        """Who is paged when Saimi itself stops; each is a secret."""
        return [] if self.watchdog_urls is None else self.watchdog_urls.get_secret_value().split()

    def require_mqtt_url(self) -> str:
        """The broker's address.

        Raises:
            SettingsError: it is not set.
        """
        if self.mqtt_url is None:
            raise SettingsError(
                "SAIMI_MQTT_URL is not set, so there is no broker to use: set it to "
                "mqtt://user:password@host:1883, or use `saimi up`, which brings its own."
            )
        return self.mqtt_url.get_secret_value()


@cache
def load_settings() -> Settings:
    """Read the environment once.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "SAIMI_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name} cannot be used: {first['msg']}.") from None
