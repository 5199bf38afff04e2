"""A page as a PDF that a screen reader can read too (PDF/UA-1), by WeasyPrint (decision 52)."""

from __future__ import annotations

import asyncio

from core.errors import SaimiError
from web.rendering import STATIC

_STYLE = STATIC / "css" / "paper.css"
_one_at_a_time = asyncio.Semaphore(1)
"""A PDF takes a core for about a second: whoever else wants one waits."""


class NoPaperError(SaimiError):
    """The machine lacks what WeasyPrint draws text with."""

    http_status = 503


async def as_pdf(html: str) -> bytes:
    """The page as a PDF; pages of ours only.

    Raises:
        NoPaperError: Pango is not installed.
    """
    async with _one_at_a_time:
        return await asyncio.to_thread(_drawn, html)


def _drawn(html: str) -> bytes:
    # Loaded when somebody wants a PDF: it takes two seconds, and fails where there is no Pango.
    try:
        import weasyprint
        from weasyprint.urls import URLFetcher
    except OSError as error:
        raise NoPaperError(
            "No PDF can be made on this server, since Pango is not installed there "
            "(Debian: libpango-1.0-0 and libpangoft2-1.0-0): print the page instead."
        ) from error
    nothing = URLFetcher(allowed_protocols=())  # a report loads nothing, from nowhere
    document = weasyprint.HTML(string=html, url_fetcher=nothing)
    drawn: bytes = document.write_pdf(
        stylesheets=[weasyprint.CSS(filename=str(_STYLE))], pdf_variant="pdf/ua-1"
    )
    return drawn
