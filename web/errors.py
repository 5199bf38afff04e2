"""Errors as answers: JSON below /api, an OperationOutcome below /fhir, a page elsewhere, the
same one sentence.
"""

from __future__ import annotations

import secrets

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from core.errors import (
    DatabaseError,
    NotFoundError,
    RefusedValueError,
    SaimiError,
    UserError,
)
from web.fhir.answers import refusal, resource
from web.fhir.outcome import FhirError, of_status
from web.parts import known_caller, language, parts, texts_of
from web.session import SessionEndedError

log = structlog.get_logger()


class ForbiddenError(UserError):
    """The request does not come from where it must."""

    http_status = 403


class TooManyAttemptsError(UserError):
    """Failed logins; `seconds` until the next may be tried."""

    http_status = 429

    def __init__(self, sentence: str, seconds: int) -> None:
        super().__init__(sentence)
        self.seconds = seconds


def answer(request: web.Request, status: int, sentence: str) -> web.Response:
    """One sentence as JSON or as a page."""
    if request.path.startswith(("/api/", "/receipt/")):
        return web.json_response({"error": sentence, "status": status}, status=status)
    if request.path.startswith("/fhir/"):
        return resource(of_status(status, sentence), status=status)
    html = parts(request).pages.render(
        "error.html",
        language(request),
        sentence=sentence,
        status=status,
        caller=known_caller(request),
        here=request.path,
    )
    return web.Response(text=html, status=status, content_type="text/html")


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: every error becomes an answer that a person can read."""
    try:
        return await handler(request)
    except FhirError as error:
        return refusal(error)
    except RefusedValueError:
        return answer(request, 400, texts_of(request).gettext("This request cannot be understood."))
    except DatabaseError as error:
        log.warning("database away", route=_route(request), error=str(error))
        sentence = texts_of(request).gettext(
            "Saimi cannot reach its database just now, so what you see may be old: "
            "try again in a moment; in an urgent matter call the duty desk."
        )
        return answer(request, 503, sentence)
    except SessionEndedError:
        sentence = texts_of(request).gettext("Your session has ended: log in again to go on.")
        return answer(request, 401, sentence)
    except NotFoundError:
        return answer(request, 404, not_found(request))
    except TooManyAttemptsError as error:
        given = answer(request, error.http_status, str(error))
        given.headers["Retry-After"] = str(error.seconds)
        return given
    except SaimiError as error:
        return answer(request, error.http_status, str(error))
    except web.HTTPNotFound:
        return answer(request, 404, not_found(request))
    except web.HTTPRequestEntityTooLarge:
        return answer(
            request, 413, texts_of(request).gettext("That is too long to be taken: shorten it.")
        )
    except web.HTTPException as error:
        if error.status < 400:
            raise
        sentence = texts_of(request).gettext("This request cannot be understood.")
        given = answer(request, error.status, sentence)
        if "Allow" in error.headers:  # with 405, which methods there are (RFC 9110, 15.5.6)
            given.headers["Allow"] = error.headers["Allow"]
        return given
    except ConnectionError:
        raise
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("request failed", route=_route(request), reference=reference)
        sentence = texts_of(request).gettext(
            "Something went wrong in Saimi (reference %(reference)s), and what you asked for may "
            "not have been done: look again; in an urgent matter call the duty desk.",
            reference=reference,
        )
        return answer(request, 500, sentence)


def not_found(request: web.Request) -> str:
    """The sentence for what is missing and for what is none of the caller's; the same for both."""
    return texts_of(request).gettext(
        "There is nothing here that you may see: it does not exist, or it is not your team's."
    )


def _route(request: web.Request) -> str:
    """The route, without the identifiers in it."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "-"
