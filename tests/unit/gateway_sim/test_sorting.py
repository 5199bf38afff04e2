"""Rows ordered by several keys: as `np.lexsort`, whatever their size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway_sim.sorting import order_by

near = st.integers(-3, 3)
far = st.integers(-(2**62), 2**62)


@given(
    rows=st.one_of(
        st.lists(st.tuples(near, near, near)),
        st.lists(st.tuples(far, near, near)),
        st.lists(st.tuples(far, far, near)),
    )
)
def test_rows_are_in_order_and_equal_ones_as_they_were(rows: list[tuple[int, int, int]]) -> None:
    keys = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    order = order_by(*keys)
    assert order.tolist() == sorted(range(len(rows)), key=rows.__getitem__)
