"""PostgreSQL's binary COPY format, byte by byte."""

from __future__ import annotations

import numpy as np

from ingest.binary_copy import binary_copy


def test_numbers_are_written_by_their_widths_and_most_significant_byte_first() -> None:
    kinds = [("at", "<i8"), ("value", "<f8"), ("device", "<i4"), ("qualifier", "<i2")]
    data = binary_copy(np.array([(1, 1.5, 3, -1)], dtype=kinds))
    assert data.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    assert data.endswith(b"\xff\xff")
    assert data[19:-2] == bytes.fromhex(
        "0004 00000008 0000000000000001 00000008 3ff8000000000000 00000004 00000003 00000002 ffff"
    )
