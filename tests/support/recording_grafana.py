"""A server that behaves as Grafana's HTTP API documentation says, refuses what it does not allow,
and records every request. It is not Grafana: it shows what Saimi sends, not what Grafana does.

Source: Grafana documentation, "HTTP API" (organization, data source, folder, dashboard, folder and
dashboard search), versions 11 and 12.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

USER, PASSWORD = "saimi:admin", "p@ss/word"
_DATA_SOURCE = {
    "uid": str, "name": str, "type": str, "access": str, "url": str, "user": str, "database": str,
    "isDefault": bool, "jsonData": dict, "secureJsonData": dict, "basicAuth": bool,
    "withCredentials": bool, "version": int,
}  # fmt: skip


@dataclass
class Organisation:
    name: str
    data_sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    """uid -> {"dashboard", "folderUid"}."""


@dataclass
class RecordingGrafana:
    """What it holds, and what it was asked."""

    version: str | None = "11.6.0"
    organisations: dict[int, Organisation] = field(default_factory=dict)
    asked: list[tuple[str, str, int | None]] = field(default_factory=list)
    """Method, path and organisation of every request."""
    refuses: dict[tuple[str, str], tuple[int, dict[str, str]]] = field(default_factory=dict)
    """(method, beginning of a path) -> status and body."""
    reaches: Callable[[dict[str, Any], dict[str, str]], str | None] = lambda _source, _secrets: None
    """Why a data source cannot be read; None: it can."""
    before_write: Callable[[], None] = lambda: None
    address: str = ""

    def __post_init__(self) -> None:
        self.organisations.setdefault(1, Organisation("Main Org."))

    def writes(self) -> list[tuple[str, str, int | None]]:
        return [one for one in self.asked if one[0] != "GET"]

    def named(self, name: str) -> Organisation:
        (one,) = [one for one in self.organisations.values() if one.name == name]
        return one

    def url(self) -> str:
        host = self.address.removeprefix("http://")
        return f"http://saimi%3Aadmin:p%40ss%2Fword@{host}/grafana"

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._middleware])
        api = "/grafana/api"
        app.add_routes([
            web.get(f"{api}/frontend/settings", self._settings),
            web.get(f"{api}/orgs", self._orgs),
            web.post(f"{api}/orgs", self._make_org),
            web.delete(f"{api}/orgs/{{id}}", self._delete_org),
            web.get(f"{api}/datasources", self._sources),
            web.post(f"{api}/datasources", self._make_source),
            web.get(f"{api}/datasources/uid/{{uid}}", self._source),
            web.put(f"{api}/datasources/uid/{{uid}}", self._put_source),
            web.delete(f"{api}/datasources/uid/{{uid}}", self._delete_source),
            web.get(f"{api}/datasources/uid/{{uid}}/health", self._health),
            web.get(f"{api}/folders", self._folders),
            web.post(f"{api}/folders", self._make_folder),
            web.put(f"{api}/folders/{{uid}}", self._put_folder),
            web.delete(f"{api}/folders/{{uid}}", self._delete_folder),
            web.get(f"{api}/search", self._search),
            web.get(f"{api}/dashboards/uid/{{uid}}", self._dashboard),
            web.post(f"{api}/dashboards/db", self._put_dashboard),
            web.delete(f"{api}/dashboards/uid/{{uid}}", self._delete_dashboard),
        ])  # fmt: skip
        return app

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        path = request.path.removeprefix("/grafana/api")
        header = request.headers.get("X-Grafana-Org-Id")
        self.asked.append((request.method, path, None if header is None else int(header)))
        sent = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {sent}":
            return web.json_response({"message": "Invalid username or password"}, status=401)
        for (method, beginning), (status, body) in self.refuses.items():
            if request.method == method and path.startswith(beginning):
                return web.json_response(body, status=status)
        if header is not None and int(header) not in self.organisations:
            return web.json_response({"message": "Not a member of this organization"}, status=403)
        if request.method in ("POST", "PUT"):
            assert request.content_type == "application/json"
        return await handler(request)  # type: ignore[no-any-return]  # of aiohttp's own handler

    def _org(self, request: web.Request) -> Organisation:
        return self.organisations[int(request.headers.get("X-Grafana-Org-Id", "1"))]

    async def _settings(self, _request: web.Request) -> web.Response:
        info = {} if self.version is None else {"version": self.version}
        return web.json_response({"buildInfo": info})

    async def _orgs(self, request: web.Request) -> web.Response:
        assert "X-Grafana-Org-Id" not in request.headers
        return web.json_response(
            [{"id": number, "name": one.name} for number, one in self.organisations.items()]
        )

    async def _make_org(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert set(body) == {"name"}
        if body["name"] in {one.name for one in self.organisations.values()}:
            return _message("Organization name taken", 409)
        number = max(self.organisations) + 1
        self.organisations[number] = Organisation(body["name"])
        return web.json_response({"orgId": number, "message": "Organization created"})

    async def _delete_org(self, request: web.Request) -> web.Response:
        if self.organisations.pop(int(request.match_info["id"]), None) is None:
            return _message("Failed to delete organization. ID not found", 404)
        return _message("Organization deleted")

    async def _sources(self, request: web.Request) -> web.Response:
        # The list says less than the single one: no names of secrets.
        return web.json_response(list(self._org(request).data_sources.values()))

    async def _source(self, request: web.Request) -> web.Response:
        org, uid = self._org(request), request.match_info["uid"]
        if uid not in org.data_sources:
            return _message("Data source not found", 404)
        names = dict.fromkeys(org.secrets.get(uid, {}), True)
        return web.json_response({**org.data_sources[uid], "secureJsonFields": names})

    async def _make_source(self, request: web.Request) -> web.Response:
        org, body = self._org(request), await request.json()
        _check_source(body)
        if body["uid"] in org.data_sources:
            return _message("data source with the same uid already exists", 409)
        self._store_source(org, body)
        return web.json_response({"datasource": org.data_sources[body["uid"]], "id": 1})

    async def _put_source(self, request: web.Request) -> web.Response:
        org, body = self._org(request), await request.json()
        _check_source(body)
        if request.match_info["uid"] not in org.data_sources:
            return _message("Data source not found", 404)
        self._store_source(org, body)
        return web.json_response({"datasource": org.data_sources[body["uid"]], "id": 1})

    def _store_source(self, org: Organisation, body: dict[str, Any]) -> None:
        secrets = body.pop("secureJsonData", {})
        org.secrets.setdefault(body["uid"], {}).update(secrets)
        org.data_sources[body["uid"]] = {
            "id": 1, "orgId": 1, "readOnly": False, "typeLogoUrl": "", "basicAuth": False, **body,
        }  # fmt: skip

    async def _delete_source(self, request: web.Request) -> web.Response:
        org, uid = self._org(request), request.match_info["uid"]
        if org.data_sources.pop(uid, None) is None:
            return _message("Data source not found", 404)
        org.secrets.pop(uid, None)
        return _message("Data source deleted")

    async def _health(self, request: web.Request) -> web.Response:
        org, uid = self._org(request), request.match_info["uid"]
        why = self.reaches(org.data_sources[uid], org.secrets.get(uid, {}))
        if why is not None:
            return web.json_response({"status": "ERROR", "message": why}, status=400)
        return web.json_response({"status": "OK", "message": "Database Connection OK"})

    async def _folders(self, request: web.Request) -> web.Response:
        return web.json_response(list(self._org(request).folders.values()))

    async def _make_folder(self, request: web.Request) -> web.Response:
        org, body = self._org(request), await request.json()
        assert set(body) <= {"uid", "title", "parentUid"}
        assert body["title"]
        if body["uid"] in org.folders:
            return _message("a folder with the same uid already exists", 412)
        org.folders[body["uid"]] = {"id": 1, "version": 1, **body}
        return web.json_response(org.folders[body["uid"]])

    async def _put_folder(self, request: web.Request) -> web.Response:
        org, body = self._org(request), await request.json()
        assert set(body) <= {"title", "version", "overwrite"}
        folder = org.folders[request.match_info["uid"]]
        if not body.get("overwrite") and body.get("version") != folder["version"]:
            return _message("the folder has been changed by someone else", 412)
        folder["title"] = body["title"]
        folder["version"] += 1
        return web.json_response(folder)

    async def _delete_folder(self, request: web.Request) -> web.Response:
        org, uid = self._org(request), request.match_info["uid"]
        if org.folders.pop(uid, None) is None:
            return _message("folder not found", 404)
        org.dashboards = {k: v for k, v in org.dashboards.items() if v["folderUid"] != uid}
        return _message("Folder deleted")

    async def _search(self, request: web.Request) -> web.Response:
        assert set(request.query) <= {"type", "limit", "page", "tag", "query", "folderUIDs"}
        assert request.query["type"] == "dash-db"
        assert int(request.query["limit"]) <= 5000
        rows = [
            {"uid": uid, "title": one["dashboard"]["title"], "type": "dash-db",
             "tags": one["dashboard"].get("tags", []),
             **({"folderUid": one["folderUid"]} if one["folderUid"] else {})}
            for uid, one in self._org(request).dashboards.items()
        ]  # fmt: skip
        size, page = int(request.query["limit"]), int(request.query.get("page", "1"))
        return web.json_response(rows[(page - 1) * size : page * size])

    async def _dashboard(self, request: web.Request) -> web.Response:
        one = self._org(request).dashboards.get(request.match_info["uid"])
        if one is None:
            return _message("Dashboard not found", 404)
        meta = {"folderUid": one["folderUid"], "canSave": True}
        return web.json_response({"dashboard": one["dashboard"], "meta": meta})

    async def _put_dashboard(self, request: web.Request) -> web.Response:
        self.before_write()
        org, body = self._org(request), await request.json()
        assert set(body) <= {"dashboard", "folderUid", "message", "overwrite"}
        document = body["dashboard"]
        assert document["title"]
        assert document["id"] is None
        assert isinstance(document["panels"], list)
        assert 0 < len(document["uid"]) <= 40
        if body["folderUid"] not in org.folders:
            return _message("folder not found", 400)
        old = org.dashboards.get(document["uid"])
        stale = old is not None and document.get("version") != old["dashboard"]["version"]
        if stale and not body["overwrite"]:
            return web.json_response(
                    {"message": "The dashboard has been changed by someone else",
                     "status": "version-mismatch"}, status=412)  # fmt: skip
        version = 1 if old is None else old["dashboard"]["version"] + 1
        stored = json.loads(json.dumps({**document, "id": 7, "version": version}))
        org.dashboards[document["uid"]] = {"dashboard": stored, "folderUid": body["folderUid"]}
        return web.json_response({"uid": document["uid"], "status": "success", "version": version})

    async def _delete_dashboard(self, request: web.Request) -> web.Response:
        if self._org(request).dashboards.pop(request.match_info["uid"], None) is None:
            return _message("Dashboard not found", 404)
        return web.json_response({"title": "", "message": "Dashboard deleted"})


def _message(text: str, status: int = 200) -> web.Response:
    return web.json_response({"message": text}, status=status)


def _check_source(body: dict[str, Any]) -> None:
    for name, value in body.items():
        assert name in _DATA_SOURCE, name
        assert isinstance(value, _DATA_SOURCE[name]), name
    assert body["access"] in ("proxy", "direct")
    assert {"name", "type"} <= body.keys()


@asynccontextmanager
async def recording_grafana(**options: Any) -> AsyncIterator[RecordingGrafana]:
    """One that answers on a free port of this machine."""
    grafana = RecordingGrafana(**options)
    runner = web.AppRunner(grafana.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    grafana.address = f"http://{host}:{port}"
    try:
        yield grafana
    finally:
        await runner.cleanup()
