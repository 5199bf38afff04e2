"""What `saimi bench phones` makes of its samples of memory."""

from __future__ import annotations

from bench.open_phones import tenths


def test_tenths_are_medians_in_order() -> None:
    assert tenths([float(n // 10) for n in range(100)]) == [float(n) for n in range(10)]
    assert tenths([1.0, 1.0, 90.0] * 10) == [1.0] * 10  # one peak is no growth


def test_few_samples_are_each_their_own() -> None:
    assert tenths([3.0, 1.0]) == [3.0, 1.0]
    assert tenths([]) == []
