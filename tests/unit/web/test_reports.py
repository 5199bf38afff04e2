"""Months, steps and columns of reports."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime

from web.reports.month import Month, as_month, month_of
from web.reports.paper import as_pdf
from web.reports.plots import Column, columns, step

NOW = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)  # half past midnight on 1 November in Finland


def test_a_month_is_the_countys() -> None:
    assert month_of(NOW) == Month(2026, 11)
    october = Month(2026, 10)
    assert october.begins.astimezone(UTC) == datetime(2026, 9, 30, 21, tzinfo=UTC)
    assert october.ends.astimezone(UTC) == datetime(2026, 10, 31, 22, tzinfo=UTC)


def test_only_months_that_have_begun() -> None:
    assert as_month("2026-11", NOW) == Month(2026, 11)
    for given in ("2026-12", "2026-13", "2026-00", "1999-12", "2026-1", "", "²026-10", "2026/10"):
        assert as_month(given, NOW) is None


def test_steps_of_an_axis_are_round_and_few() -> None:
    for top in (0.0, 1.0, 4.0, 5.0, 37.0, 480.0, 12345.0):
        assert step(top) >= 1.0
        assert top / step(top) <= 4


def test_what_is_not_known_is_not_drawn_and_words_are_escaped() -> None:
    picture = columns("a & <b>", [Column("<", None), Column("2", 3.0, high=9.0)])
    assert picture.count("<rect") == 1
    assert picture.count("plot-whisker") == 1
    assert "a &amp; &lt;b&gt;" in picture
    assert "&lt;</text>" in picture
    assert "nan" not in columns("nothing", [])


async def test_a_pdf_is_tagged_and_loads_nothing() -> None:
    page = (
        '<html lang="fi"><title>Raportti</title><h1>Yö</h1>'
        '<img src="file:///etc/passwd" alt="x"><img src="http://127.0.0.1/x" alt="y">'
    )
    pdf = await as_pdf(page)
    assert pdf.startswith(b"%PDF-1.7")
    objects = b"".join(map(_inflated, re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S)))
    assert b"/StructTreeRoot" in objects
    assert b"/Lang (fi)" in objects


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""
