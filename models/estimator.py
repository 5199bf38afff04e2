"""What every estimator here is: values that were learned once, and a score that follows from them.

An estimator is made by its `fit`, so there is none that has not learned; scoring never changes it.
What it needs to remember of a subject (a home's past days) is handed in and given back, so the same
days have the same scores at once or in pieces. One shared test holds all of them to this:
tests/unit/models/test_estimators.py.
"""

from __future__ import annotations

from typing import Any, Protocol, Self, TypeVar

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class Estimator(Protocol[Input, Output]):
    """A trained estimator."""

    def score(self, rows: Input, /) -> Output:
        """Scores of rows; what is not known is NaN in them, never 0."""
        ...

    def state(self) -> dict[str, Any]:
        """Itself in plain values, as JSON has them."""
        ...

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The reverse of `state`."""
        ...
