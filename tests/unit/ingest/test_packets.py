"""PUBLISH packets read by the thousand: as the standard says, and nothing beyond what is there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.packets import Publish, acknowledgements, packet_end, publishes


def number(value: int) -> bytes:
    """A variable byte integer."""
    out = bytearray()
    while True:
        value, byte = divmod(value, 128)
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packet(message: Publish, *, five: bool, properties: bytes = b"") -> bytes:
    topic = message.topic.encode()
    body = len(topic).to_bytes(2, "big") + topic
    if message.mid:
        body += message.mid.to_bytes(2, "big")
    if five:
        body += number(len(properties)) + properties
    body += message.payload
    first = 0x30 | 2 * bool(message.mid) | message.retain | 8 * message.dup
    return bytes([first]) + number(len(body)) + body


messages = st.builds(
    Publish,
    topic=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    payload=st.one_of(st.binary(max_size=300), st.integers(0, 20_000).map(bytes)),
    mid=st.integers(0, 65_535),
    retain=st.booleans(),
    dup=st.booleans(),
)
PINGRESP = b"\xd0\x00"


@given(st.lists(messages, max_size=5), st.booleans(), st.binary(max_size=200), st.data())
def test_messages_come_out_as_they_went_in_however_the_stream_is_cut(
    sent: list[Publish], five: bool, properties: bytes, data: st.DataObject
) -> None:
    stream = b"".join(packet(one, five=five, properties=properties) for one in sent) + PINGRESP
    cut = data.draw(st.integers(0, len(stream)))
    first, place = publishes(stream[:cut], 0, five=five)
    assert place <= cut
    rest, end = publishes(stream, place, five=five)
    assert first + rest == sent
    assert end == len(stream) - len(PINGRESP)
    assert packet_end(stream, end) == len(stream)
    if place < cut < len(stream) and place < end:
        assert packet_end(stream[:cut], place) is None


@given(st.binary(max_size=60), st.booleans())
def test_no_bytes_at_all_do_any_harm(data: bytes, five: bool) -> None:
    found, place = publishes(data, 0, five=five)
    assert 0 <= place <= len(data)
    assert sum(len(one.payload) for one in found) <= len(data)
    end = packet_end(data, place)
    assert end is None or place < end <= len(data)


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x32\x04\x00\x09ab",  # the topic is longer than the packet
        b"\x32\x04\x00\x02ab",  # QoS 1 without an identifier
        b"\x30\x01\x00",  # not even the length of a topic
        b"\x34\x06\x00\x02ab\x00\x01",  # QoS 2, which we never ask for
        b"\x30\xff\xff\xff\xff\x01" + bytes(50),  # a length of five bytes
        b"\x32\x07\x00\x02ab\x00\x01\x05" + bytes(50),  # properties beyond the packet
    ],
)
def test_what_cannot_be_read_is_left_to_paho(wrong: bytes) -> None:
    good = packet(Publish("a", b"b", 7, False, False), five=True)
    found, place = publishes(good + wrong, 0, five=True)
    assert len(found) == 1
    assert place == len(good)
    assert packet_end(good + wrong, place) is not None, "else it would be waited for"


def test_a_topic_that_is_no_text_is_empty() -> None:
    ((message,), _) = publishes(b"\x30\x05\x00\x02\xff\xfex", 0, five=False)
    assert (message.topic, message.payload) == ("", b"x")


def test_acknowledgements() -> None:
    assert acknowledgements([1, 65_535]) == b"\x40\x02\x00\x01\x40\x02\xff\xff"
