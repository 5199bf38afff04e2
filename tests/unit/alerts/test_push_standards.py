"""The tests' own push service reads the standards' examples, and refuses what differs from them.

So what it takes from Saimi is by the standard, and not by a mistake that both share.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from alerts.delivery.vapid import Identity
from alerts.delivery.webpush import encrypted, parse_subscription
from tests.support.push_service import Browser, b64, check_vapid, unb64

# RFC 8291, appendix A.
_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
_AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
_BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
# RFC 8292, 2.4.
_TOKEN = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJl"
    "eHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOe"
    "pC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
)
_SIGNER = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
_ORIGIN = "https://push.example.net"
_THEN = 1453523768 - 3600.0


def _browser() -> Browser:
    number = int.from_bytes(unb64(_PRIVATE), "big")
    key = ec.derive_private_key(number, ec.SECP256R1())
    return Browser(f"{_ORIGIN}/push/1", key=key, auth=unb64(_AUTH))


def test_the_message_of_rfc_8291_is_read() -> None:
    assert _browser().read(unb64(_BODY)) == b"When I grow up, I want to be a watermelon"


@pytest.mark.parametrize("at", [0, 30, 100, -1])
def test_a_message_that_was_changed_anywhere_is_not(at: int) -> None:
    body = bytearray(unb64(_BODY))
    body[at] ^= 1
    with pytest.raises((InvalidTag, ValueError)):
        _browser().read(bytes(body))


def test_what_saimi_encrypts_is_for_one_browser_alone_and_never_the_same_twice() -> None:
    mine, other = _browser(), Browser(f"{_ORIGIN}/push/2")
    subscription = parse_subscription(json.dumps(mine.subscription))
    bodies = [encrypted(subscription, b"look") for _ in range(2)]
    assert [mine.read(body) for body in bodies] == [b"look", b"look"]
    # Another salt and another key of the sender's (RFC 8291, 3.1; RFC 8188, 2.1).
    assert bodies[0][:16] != bodies[1][:16]
    assert bodies[0][21:86] != bodies[1][21:86]
    with pytest.raises(InvalidTag):
        other.read(bodies[0])


def test_the_signature_of_rfc_8292_is_known_and_holds_there_and_then_alone() -> None:
    header = f"vapid t={_TOKEN}, k={_SIGNER}"
    check_vapid(header, origin=_ORIGIN, server_key=_SIGNER, now=_THEN)
    for origin, now, key in (
        ("https://push.example.org", _THEN, None),
        (_ORIGIN, _THEN + 7200, None),
        (_ORIGIN, _THEN - 86_400, None),
        (_ORIGIN, _THEN, b64(b"\x04" + bytes(64))),
    ):
        with pytest.raises(AssertionError):
            check_vapid(header, origin=origin, server_key=key, now=now)
    forged = header.replace("i3CYb7t4", "i3CYb7t5")
    with pytest.raises(InvalidSignature):
        check_vapid(forged, origin=_ORIGIN, server_key=None, now=_THEN)


def test_saimi_signs_for_the_service_it_sends_to() -> None:
    mine = Identity(ec.generate_private_key(ec.SECP256R1()), "mailto:saimi@example.org")
    wall = datetime(2026, 11, 26, 12, tzinfo=UTC)
    header = mine.authorization(f"{_ORIGIN}/push/1", wall)["Authorization"]
    check_vapid(header, origin=_ORIGIN, server_key=mine.public_key, now=wall.timestamp())
    with pytest.raises(AssertionError):
        check_vapid(header, origin="https://other.example", server_key=None, now=wall.timestamp())
