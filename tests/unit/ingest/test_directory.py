"""The directory's bound, and whose a device is at a moment."""

from __future__ import annotations

from core.reading import UNKNOWN
from ingest.decoders.record import Channel
from ingest.directory import Assignment, Device, Directory, Gateway
from ingest.instants import FOREVER


def gateway(name: str, devices: int) -> Gateway:
    made = Gateway(name, 1, 2, revoked=False)
    for number in range(devices):
        made.devices[f"d{number}"] = Device(number + 1)
    return made


def test_a_device_is_whose_it_is_at_the_time() -> None:
    device = Device(1)
    device.assignments = [Assignment(-FOREVER, 10, 1), Assignment(20, 30, 2)]
    assert {at: device.owner(at, None) for at in (-5, 9, 10, 19, 20, 29, 30)} == {
        -5: 1, 9: 1, 10: None, 19: None, 20: 2, 29: 2, 30: None,
    }  # fmt: skip


def test_of_a_device_that_two_people_use_the_index_decides() -> None:
    cuff = Device(1)
    cuff.shares = {1: [Assignment(0, FOREVER, 7)], 2: [Assignment(10, FOREVER, 8)]}
    assert cuff.owner(20, 1) == 7
    assert cuff.owner(20, 2) == 8
    assert {cuff.owner(20, user) for user in (None, 0, 3)} == {UNKNOWN}
    assert cuff.owner(5, 2) == UNKNOWN  # before its second user had it
    assert cuff.owner(-5, 1) is None
    cuff.assignments = [Assignment(0, FOREVER, 9)]  # a guest's readings are somebody's too
    assert (cuff.owner(20, None), cuff.owner(20, 3), cuff.owner(20, 1)) == (9, 9, 7)


def test_one_persons_device_is_theirs_whatever_index_it_gives() -> None:
    scale = Device(1)
    scale.assignments = [Assignment(0, FOREVER, 7)]
    assert scale.owner(20, 4) == 7


def test_a_route_is_found_once_and_kept() -> None:
    known = gateway("gw", 1)
    known.devices["d0"].assignments = [Assignment(0, FOREVER, 5)]
    channel = Channel("d0", "pulse", "Hz")
    route = known.route(channel)
    assert route is not None
    assert known.routes[channel] is route
    for channel in (
        Channel("d1", "pulse", "Hz"),
        Channel("d0", "charisma", "Hz"),
        Channel("d0", "pulse", "Cel"),
    ):
        assert known.route(channel) is None
        assert channel not in known.routes


async def test_the_directory_keeps_to_its_bound_and_to_what_was_used_last() -> None:
    directory = Directory(max_devices=30)
    for number in range(3):
        directory.keep(f"gw{number}", gateway(f"gw{number}", 9))
    directory.keep("gw3", gateway("gw3", 9))
    assert directory.missing(["gw0"]) == []  # used: gw1 is the oldest now
    await directory.load(None, ["gw0", "gw3"], None)  # type: ignore[arg-type]  # nothing to read
    assert directory.missing(["gw0", "gw1", "gw2", "gw3"]) == ["gw1"]
    directory.forget()
    assert directory.missing(["gw0"]) == ["gw0"]


async def test_a_batch_larger_than_the_bound_is_known_all_the_same() -> None:
    directory = Directory(max_devices=5)
    names = [f"gw{number}" for number in range(9)]
    for name in names:
        directory.keep(name, gateway(name, 3))
    await directory.load(None, names, None)  # type: ignore[arg-type]  # nothing to read
    assert [directory.find(name) is not None for name in names] == [True] * 9
