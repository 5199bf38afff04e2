"""What every answer says to browsers, and what every changing request must show.

Cross-site requests are refused three times over: the session cookie is SameSite=Strict, the
browser's own Sec-Fetch-Site and Origin must name this site, and a logged-in member's request
carries the session's form token, which another site cannot read.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from web.errors import ForbiddenError
from web.fhir.entry import bearer
from web.parts import known_caller, parts, texts_of
from web.rendering import static_prefix

FORM_HEADER = "X-Saimi-Token"
FORM_FIELD = "token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: under that, browsers send our own forms with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: the headers of every answer, also of errors and streams."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith(static_prefix()):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        # People's health must not stay in a browser's cache after the logout.
        response.headers["Cache-Control"] = "no-store"
    if parts(request).https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def _same_site(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    public = parts(request).public_url
    hosts = {request.host} | ({urlsplit(public).netloc} if public else set())
    return urlsplit(origin).netloc in hosts


@web.middleware
async def refuse_cross_site(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: a changing request comes from a page of ours, or is refused."""
    # A browser adds no bearer token by itself, so another site cannot have it sent.
    if request.method in _SAFE or bearer(request) is not None:
        return await handler(request)
    member = known_caller(request)
    genuine = _same_site(request)
    if genuine and member is not None:
        given = request.headers.get(FORM_HEADER)
        if given is None and request.content_type != "application/json":
            field = (await request.post()).get(FORM_FIELD)
            given = field if isinstance(field, str) else None
        genuine = given is not None and hmac.compare_digest(given.encode(), member.csrf.encode())
    if not genuine:
        raise ForbiddenError(
            texts_of(request).gettext(
                "This did not come from a page of Saimi's, so nothing was changed: "
                "reload the page and try again."
            )
        )
    return await handler(request)
