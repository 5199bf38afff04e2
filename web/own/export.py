"""Everything that is held about one client, to take along.

    POST /own/export                    the client's own
    GET  /clients/{pseudonym}/export    the page where staff ask for it: the desk, and clinicians
    POST /clients/{pseudonym}/export    the file; {why}

Each is on record as a look, with the reason of whoever took it out.
"""

from __future__ import annotations

import tempfile
from typing import IO, Any

from aiohttp import web

from core.database import Connection, load_queries
from core.errors import UserError
from web.access import purpose_of, record_looks
from web.i18n import Language, as_language, texts
from web.own.archive import write_archive
from web.own.session import own_database, refuse_strangers
from web.pages import page
from web.parts import caller, database, parts
from web.steward.clients import client_of, refused
from web.steward.requests import LONGEST_WHY, form_of, why_of

_IN_MEMORY = 4 * 1024 * 1024
_PIECE = 256 * 1024


async def own(request: web.Request) -> web.StreamResponse:
    """POST /own/export"""
    form, queries = await request.post(), load_queries("web")
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        async with own_database(request) as asked:
            refuse_strangers(asked, form)
            client = await queries.own_client(asked.connection)
            await queries.note_export(asked.connection, subject=client["subject"], why="")
            await _write(request, file, asked.connection, client["subject"], asked.language)
        return await _send(request, file, "saimi")


async def show(request: web.Request) -> web.Response:
    """GET /clients/{pseudonym}/export"""
    return await _page(request)


async def _page(
    request: web.Request, *, failure: str = "", why: str = "", status: int = 200
) -> web.Response:
    member = caller(request)
    async with database(request) as connection:
        subject = await client_of(request, connection)
        await record_looks(
            connection,
            [(member.id, subject.id)],
            what="plan",
            wall=parts(request).wall(),
            purpose=purpose_of(member),
        )
        may = await load_queries("web").may_export(connection, subject=subject.id)
    answer = page(
        request,
        "own/export.html",
        here=f"/clients/{subject.pseudonym}/export",
        subject=subject,
        may=may,
        failure=failure,
        why=why,
        longest=LONGEST_WHY,
    )
    answer.set_status(status)
    return answer


async def take_out(request: web.Request) -> web.StreamResponse:
    """POST /clients/{pseudonym}/export"""
    form = await form_of(request)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        try:
            why = why_of(request, form)
        except UserError as error:
            return await _page(request, failure=str(error), why=form.one("why"), status=400)
        async with database(request) as connection:
            subject = await client_of(request, connection)
            queries = load_queries("web")
            if not await queries.note_export(connection, subject=subject.id, why=why):
                raise refused(request)
            await _write(request, file, connection, subject.id, None)
        return await _send(request, file, f"saimi-{subject.pseudonym}")


async def _write(
    request: web.Request,
    file: IO[bytes],
    connection: Connection,
    subject: int,
    language: Language | None,
) -> None:
    """The archive in `language`; None: in the client's."""
    shared = parts(request)
    if language is None:
        spoken = await load_queries("web").language_of(connection, subject=subject)
        language = as_language(spoken) or "fi"

    def render(name: str, **values: Any) -> str:
        return shared.pages.render(name, language, **values)

    await write_archive(
        file, connection, subject, text=texts(language), now=shared.clock.now(), render=render
    )


async def _send(request: web.Request, file: IO[bytes], name: str) -> web.StreamResponse:
    file.seek(0)
    day = parts(request).wall().date().isoformat()
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{name}-{day}.zip"',
        }
    )
    await response.prepare(request)
    while piece := file.read(_PIECE):
        await response.write(piece)
    await response.write_eof()
    return response


ROUTES = [
    web.post("/own/export", own),
    web.get("/clients/{pseudonym}/export", show),
    web.post("/clients/{pseudonym}/export", take_out),
]
