"""An outage is said when it begins, when its reason is another, and when it is over."""

from __future__ import annotations

from structlog.testing import capture_logs

from core.outage import Outage


def test_it_is_said_once_for_each_reason_and_once_at_the_end() -> None:
    outage = Outage("away; trying again", "back")
    with capture_logs() as log:
        outage.over()
        for why in ["a"] * 3 + ["b"] * 3:
            outage.without(why)
            assert outage.why == why
        outage.over()
        outage.over()
        outage.without("b")
    assert [(one["event"], one.get("why")) for one in log] == [
        ("away; trying again", "a"),
        ("away; trying again", "b"),
        ("back", None),
        ("away; trying again", "b"),
    ]
