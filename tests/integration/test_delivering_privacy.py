"""What goes out says nothing of the client, whatever the registry and the alert hold."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from alerts.delivery.outbox import TO_HOME, What
from alerts.delivery.route import Address
from alerts.delivery.sending import Outcome
from alerts.delivery.wording import Outgoing, at_home
from tests.integration.delivering_support import (
    delivering_to,
    member,
    outbox,
    page,
    reach,
    send,
    settled,
)
from tests.integration.web_support import County, county
from tests.support.outside import mail_server, web_hook
from tests.support.push_service import push_service

MARK = "Qzxwvjkqy"
"""In every text of the registry and of the alert; in nothing that Saimi says of itself."""
_NUMBER = 9753186420
"""Likewise for numbers."""


class Remembering:
    """What stands for the broker: keeps what would be published."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def send(self, address: Address, message: Outgoing, *, within_s: float) -> Outcome:
        self.said.append(at_home(message))
        return Outcome("sent")


async def _mark_everything(place: County) -> None:
    """Put the mark into every text that a person could be known by."""
    columns = await place.connection.fetch(
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns"
        " WHERE table_schema = 'registry' AND data_type = 'text' AND is_generated = 'NEVER'"
        "   AND table_name IN (SELECT table_name FROM information_schema.tables"
        "                       WHERE table_schema = 'registry' AND table_type = 'BASE TABLE')"
    )
    marked = 0
    for column in columns:
        if column["t"] == "member_channel":
            continue
        try:
            async with place.connection.transaction():
                await place.connection.execute(
                    f'UPDATE registry."{column["t"]}" SET "{column["c"]}" ='
                    f" \"{column['c']}\" || '{MARK}'"
                )
            marked += 1
        except Exception:  # noqa: S112
            continue  # a code or a language, which the schema holds to a list
    assert marked >= 12


def _texts(mail: Any) -> list[Any]:
    """The parts of a mail that are text, to be read as people read them."""
    return [part for part in mail.walk() if part.get_content_maintype() == "text"]


async def test_no_message_holds_a_name_an_address_or_anything_of_health(
    plain_database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    home = Remembering()
    async with (
        county(plain_database_url) as place,
        push_service() as service,
        web_hook() as hook,
        mail_server() as mails,
    ):
        nurse = await member(place, "nurse")
        subject = await place.subject("aino")
        await _mark_everything(place)
        for kind, address in (
            ("webpush", service.browser()),
            ("sms", hook.url),
            ("email", mails.url),
        ):
            await reach(place, nurse, kind, address)
        episode = await place.open(
            subject, low=_NUMBER, high=_NUMBER, band=MARK, missing=[MARK], points={MARK: [3, 3]}
        )
        await place.connection.execute(
            "UPDATE alerts.episode SET note = $1, origin = $1,"
            " evidence = jsonb_set(evidence, '{0,value}', '9753186420')",
            MARK,
        )
        messages = [
            page(
                episode,
                None if channel == "home" else nurse,
                step=f"{what}-{severity}-{channel}",
                what=what,
                severity=severity,
                channel=channel,
            )
            for what in get_args(What)
            for severity in (1, 2, 3, 4)
            for channel in ("webpush", "sms", "email", "home")
            if channel != "home" or what in TO_HOME
        ]
        # A service that fails is written of in the log: no more may stand there.
        answers = [500, 503]
        service.answer = lambda _endpoint: (answers.pop(0) if answers else 201, {})
        async with delivering_to(place, service, senders={"home": home}):
            for language in ("fi", "sv", "en"):
                await place.connection.execute("UPDATE registry.member SET language = $1", language)
                await send(
                    place,
                    *(
                        page(
                            one.episode,
                            one.member,
                            step=f"{one.step}-{language}",
                            what=one.what,
                            severity=one.severity,
                            channel=one.channel,
                        )
                        for one in messages
                    ),
                )
            await settled(place, *["sent"] * 3 * len(messages))
        keys = [str(row["key"]) for row in await outbox(place)]
        secrets = [
            row["address"]
            for row in await place.connection.fetch("SELECT address FROM registry.member_channel")
        ]
    out = [push.plain for push in service.taken]
    # A signature is random letters, and what is signed is checked by the service.
    out += [
        json.dumps({name: text for name, text in push.headers.items() if name != "Authorization"})
        for push in service.taken
    ]
    out += [json.dumps([headers, content]) for headers, content in hook.told]
    out += [mail.as_string() for mail in mails.mails]
    out += [str(part.get_content()) for mail in mails.mails for part in _texts(mail)]
    out += [*home.said, *mails.recipients]
    told = 3 * 4 * len(get_args(What))
    assert len(service.taken) == len(hook.told) == len(mails.mails) == told
    assert len(home.said) == 12 * len(TO_HOME)
    logged = "".join(capfd.readouterr())
    assert "not delivered" in logged
    for text in [*out, logged]:
        assert MARK.lower() not in text.lower()
        assert str(_NUMBER) not in text
        assert "NEWS2" not in text
    for secret in (*secrets, *keys):
        assert secret not in logged
    for endpoint in service.asked:
        assert endpoint not in logged
