"""OperationOutcome: how FHIR says that something cannot be done, and why."""

from __future__ import annotations

from typing import Any, Literal

from core.errors import UserError

Severity = Literal["error", "warning", "information"]
CODES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    503: "transient",
}
"""Issue types by HTTP status (http://hl7.org/fhir/R4/valueset-issue-type.html)."""


class FhirError(UserError):
    """Something asked for over FHIR cannot be done; the sentence says why and what to do."""

    def __init__(
        self, sentence: str, *, status: int = 400, code: str | None = None, expression: str = ""
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code or CODES.get(status, "exception")
        self.expression = expression
        """Which parameter or element, as `http.<parameter>` or a FHIRPath."""


def issue(
    sentence: str, code: str, *, severity: Severity = "error", expression: str = ""
) -> dict[str, Any]:
    """One issue."""
    one: dict[str, Any] = {
        "severity": severity,
        "code": code,
        "details": {"text": sentence},
        "diagnostics": sentence,
    }
    return one | {"expression": [expression]} if expression else one


def outcome(*issues: dict[str, Any]) -> dict[str, Any]:
    """An OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def of_error(error: FhirError) -> dict[str, Any]:
    """The OperationOutcome of an error."""
    return outcome(issue(str(error), error.code, expression=error.expression))


def of_status(status: int, sentence: str) -> dict[str, Any]:
    """The OperationOutcome of an HTTP status."""
    return outcome(issue(sentence, CODES.get(status, "exception")))
