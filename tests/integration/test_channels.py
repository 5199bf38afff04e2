"""How people are reached: set up on the command line, secrets kept, shown by the doctor."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alerts.delivery.by_url import UnusableUrlError, check_url
from alerts.delivery.vapid import load_key
from alerts.delivery.webpush import SERVICES, SubscriptionError, service_of
from core.errors import SettingsError
from tests.integration.web_support import county
from tests.support.commands import saimi

SECRET = "mailtos://saimi:hunter2@mail.example.org?to=nurse@example.org"


async def test_channels_are_added_listed_without_their_secret_and_removed(
    plain_database_url: str, tmp_path: Path
) -> None:
    async with county(plain_database_url) as place:
        url = {"SAIMI_DATABASE_URL": plain_database_url}
        (tmp_path / "url").write_text(SECRET + "\n")
        for whose in ((), ("--member", "nurse", "--quiet", "22:00-07:00")):
            arguments = ("channel", "add", "email", *whose, "--url-file", "url", "--json")
            done = saimi(*arguments, settings=url, cwd=tmp_path)
            assert done.status == 0, done.err
        listed = saimi("channel", "list", "--json", settings=url, cwd=tmp_path)
        shown = listed.report["channels"]
        assert [(one["member"], one["kind"], one["service"], one["quiet"]) for one in shown] == [
            (None, "email", "mailtos", None),
            ("nurse", "email", "mailtos", "22:00-07:00"),
        ]
        plain = saimi("channel", "list", settings=url, cwd=tmp_path)
        for said in (listed, plain):
            assert "hunter2" not in said.out + said.err
            assert "example.org" not in said.out + said.err

        doctor = saimi("doctor", "--json", settings=url, cwd=tmp_path)
        assert doctor.report["channels"]["ok"] is True
        await place.connection.execute(
            "INSERT INTO ops.delivery_service (name, failures, failing_since, broken_at)"
            " VALUES ('email:mailtos', 5, now(), now())"
        )
        doctor = saimi("doctor", "--json", settings=url, cwd=tmp_path)
        assert doctor.report["channels"]["ok"] is False
        assert "broken: email:mailtos" in doctor.report["channels"]["text"]

        number = str(shown[1]["id"])
        assert saimi("channel", "remove", number, settings=url, cwd=tmp_path).status == 0
        gone = saimi("channel", "remove", number, settings=url, cwd=tmp_path)
        assert (gone.status, "no channel" in gone.err) == (2, True)
        for content in ("no url", "dbus://", "http://[", ""):
            (tmp_path / "url").write_text(content + "\n")
            refused = saimi(
                "channel", "add", "sms", "--url-file", "url", settings=url, cwd=tmp_path
            )
            assert refused.status == 2
            assert "no URL that messages can be sent to" in refused.err
        (tmp_path / "url").write_text(SECRET + "\n")
        nobody = saimi(
            *("channel", "add", "sms", "--member", "nobody", "--url-file", "url"),
            settings=url,
            cwd=tmp_path,
        )
        assert (nobody.status, "no member 'nobody'" in nobody.err) == (2, True)


def test_the_key_is_made_once_kept_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "data" / "vapid.pem"
    key = load_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path).private_numbers() == key.private_numbers()
    assert [one.name for one in path.parent.iterdir()] == ["vapid.pem"]
    for content in (b"", b"no key", _other_curve()):
        path.write_bytes(content)
        with pytest.raises(SettingsError, match=r"vapid\.pem"):
            load_key(path)
        assert path.read_bytes() == content


def _other_curve() -> bytes:
    return ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("endpoint", "service"),
    [
        ("https://fcm.googleapis.com/fcm/send/a:b", "fcm.googleapis.com"),
        (
            "https://updates.push.services.mozilla.com/wpush/v2/x",
            "updates.push.services.mozilla.com",
        ),
        ("https://web.push.apple.com/x", "web.push.apple.com"),
        ("https://wns2-par02p.notify.windows.com/w/?token=x", "wns2-par02p.notify.windows.com"),
        ("http://fcm.googleapis.com/x", None),
        ("https://fcm.googleapis.com:8443/x", None),
        ("https://fcm.googleapis.com@example.org/x", None),
        ("https://user@fcm.googleapis.com/x", None),
        ("https://push.apple.com.example.org/x", None),
        ("https://.push.apple.com/x", None),
        ("https://evilpush.apple.com/x", None),
        ("https://127.0.0.1/x", None),
        ("https://[::1]:x/", None),
        ("https://fcm.googleapis.com/x\r\nHost: other", None),
        ("file:///etc/passwd", None),
        ("", None),
    ],
)
def test_push_messages_go_to_push_services_and_nowhere_else(
    endpoint: str, service: str | None
) -> None:
    if service is not None:
        assert service_of(endpoint, SERVICES) == service
    else:
        with pytest.raises(SubscriptionError):
            service_of(endpoint, SERVICES)


@pytest.mark.parametrize("url", ["json://127.0.0.1/hook", "mailto://a:b@example.org", SECRET])
def test_urls_of_apprise_are_known_by_their_scheme_alone(url: str) -> None:
    assert check_url(url) == url.partition("://")[0]


@pytest.mark.parametrize("url", ["", "://", "nothing://x", "syslog://", "dbus://", "mailto://"])
def test_what_nothing_can_be_sent_to_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UnusableUrlError) as refused:
        check_url(url)
    assert not url or url not in str(refused.value)
