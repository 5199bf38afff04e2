"""Grafana over its HTTP API, by grafana-client: what is there, and one change at a time.

Written for Grafana 11.6 and 12. Every failure is one sentence: which permission is missing, by
Grafana's own words or by its documentation (HTTP API, "Required permissions"), that the server is
away, or that it is of a version whose dashboards these are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import niquests
from grafana_client.api import GrafanaApi
from grafana_client.client import (
    GrafanaClientError,
    GrafanaException,
    GrafanaUnauthorizedError,
)

from core.errors import ConflictError, SaimiError, SettingsError

VERSIONS = (11, 12)
"""Major versions of Grafana that the dashboards and requests are written for."""
FOLDER_UID = "saimi"
_TIMEOUT_S = 20.0
_DETAIL = 200

Document = dict[str, Any]


class GrafanaError(SaimiError):
    """Grafana refused, or is away; what was done before stays done."""


class GrafanaPermissionError(GrafanaError):
    """Grafana's user may not do what is needed."""


class GrafanaVersionError(GrafanaError):
    """Grafana is of a version that this Saimi was not written for."""


class Grafana:
    """One organisation of a server; without `organisation`, the server itself."""

    def __init__(self, url: str, organisation: int | None = None) -> None:
        """`url` is http(s)://user:password@host[:port][/path] of a server administrator, since only
        they may make organisations.

        Raises:
            SettingsError: it is no such address.
        """
        self._url = url
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not (parts.hostname and parts.username):
            raise SettingsError(
                "SAIMI_GRAFANA_URL is not http(s)://user:password@host of a Grafana server "
                "administrator: correct it."
            )
        self.place = parts.hostname + (f":{port}" if port else "")
        path = parts.path.strip("/")
        # Any: the package says that it is typed, and most of its functions are not.
        self._api: Any = GrafanaApi(
            (unquote(parts.username), unquote(parts.password or "")),
            host=parts.hostname,
            port=port,
            url_path_prefix=f"{path}/" if path else "",
            protocol=parts.scheme,
            timeout=_TIMEOUT_S,
            organization_id=organisation,
        )

    def of(self, organisation: int) -> Grafana:
        """The same server, another organisation."""
        return Grafana(self._url, organisation)

    def require_version(self) -> str:
        """The server's version.

        Raises:
            GrafanaVersionError: it is not one of VERSIONS, or not told.
        """
        with self._asking("", "log in"):
            info = self._api.health.check()
        version = str((info or {}).get("version") or "")
        found = re.match(r"(\d+)\.", version)
        if found is None or int(found[1]) not in VERSIONS:
            known = " and ".join(str(one) for one in VERSIONS)
            raise GrafanaVersionError(
                f"Grafana at {self.place} is of version {version or 'unknown'}; this Saimi is "
                f"written for {known}: nothing was changed."
            )
        return version

    def organisations(self) -> dict[str, int]:
        """By name, their numbers."""
        with self._asking("orgs:read", "list organisations"):
            return {
                one["name"]: int(one["id"]) for one in self._api.organizations.list_organization()
            }

    def make_organisation(self, name: str) -> int:
        """A new one; its number."""
        with self._asking("orgs:create", f"make the organisation {name!r}"):
            return int(self._api.organization.create_organization(name)["orgId"])

    def delete_organisation(self, number: int) -> None:
        """With all that is in it."""
        with self._asking("orgs:delete", f"delete the organisation {number}"):
            self._api.organizations.delete_organization(number)

    def data_sources(self) -> dict[str, Document]:
        """By uid."""
        with self._asking("datasources:read", "read data sources"):
            return {one["uid"]: one for one in self._api.datasource.list_datasources()}

    def data_source(self, uid: str) -> Document:
        """One of them, with the names of its secrets."""
        with self._asking("datasources:read", f"read the data source {uid!r}"):
            return dict(self._api.datasource.get_datasource_by_uid(uid))

    def put_data_source(self, document: Document, *, exists: bool) -> None:
        """Make it, or write over it."""
        if exists:
            with self._asking("datasources:write", f"change the data source {document['uid']!r}"):
                self._api.datasource.update_datasource_by_uid(document["uid"], document)
            return
        with self._asking("datasources:create", f"make the data source {document['uid']!r}"):
            self._api.datasource.create_datasource(document)

    def delete_data_source(self, uid: str) -> None:
        with self._asking("datasources:delete", f"delete the data source {uid!r}"):
            self._api.datasource.delete_datasource_by_uid(uid)

    def unwell(self, uid: str) -> str | None:
        """Why a data source cannot be read, in Grafana's words; None: it can."""
        try:
            with self._asking("datasources:query", f"test the data source {uid!r}"):
                answer = self._api.datasource.health(uid)
        except GrafanaPermissionError:
            raise
        except GrafanaError as error:
            return str(error)
        return None if answer.get("status") == "OK" else _short(answer.get("message"))

    def folders(self) -> dict[str, Document]:
        """Those at the top, by uid."""
        with self._asking("folders:read", "read folders"):
            return {one["uid"]: one for one in self._api.folder.get_all_folders()}

    def put_folder(self, title: str, *, exists: bool) -> None:
        """Saimi's folder: make it, or give it back its title."""
        if exists:
            with self._asking("folders:write", "change Saimi's folder"):
                self._api.folder.update_folder(FOLDER_UID, title=title, overwrite=True)
            return
        with self._asking("folders:create", "make Saimi's folder"):
            self._api.folder.create_folder(title, uid=FOLDER_UID)

    def delete_folder(self) -> None:
        with self._asking("folders:delete", "delete Saimi's folder"):
            self._api.folder.delete_folder(FOLDER_UID)

    def dashboards(self) -> dict[str, Document]:
        """What the search says of every dashboard, by uid."""
        found: dict[str, Document] = {}
        page = 1
        while True:
            with self._asking("dashboards:read", "list dashboards"):
                rows = self._api.search.search_dashboards(type_="dash-db", limit=1000, page=page)
            found |= {one["uid"]: one for one in rows}
            if len(rows) < 1000:
                return found
            page += 1

    def dashboard(self, uid: str) -> Document:
        """{"dashboard", "meta"} as Grafana has it."""
        with self._asking("dashboards:read", f"read the dashboard {uid!r}"):
            return dict(self._api.dashboard.get_dashboard(uid))

    def put_dashboard(self, document: Document, *, version: int | None) -> None:
        """Make it, or replace the version that was read.

        Raises:
            ConflictError: somebody has changed it since.
        """
        sent = {**document, "id": None}
        if version is not None:
            sent["version"] = version
        needed = "dashboards:create" if version is None else "dashboards:write"
        with self._asking(needed, f"write the dashboard {document['uid']!r}"):
            self._api.dashboard.update_dashboard(
                {
                    "dashboard": sent,
                    "folderUid": FOLDER_UID,
                    "message": "saimi grafana sync",
                    "overwrite": False,
                }
            )

    def delete_dashboard(self, uid: str) -> None:
        with self._asking("dashboards:delete", f"delete the dashboard {uid!r}"):
            self._api.dashboard.delete_dashboard(uid)

    @contextmanager
    def _asking(self, permission: str, what: str) -> Iterator[None]:
        """Turn the client's errors into Saimi's."""
        try:
            yield
        except GrafanaUnauthorizedError as error:
            raise GrafanaPermissionError(
                f"Grafana at {self.place} refuses the user or password of SAIMI_GRAFANA_URL: "
                "correct it."
            ) from error
        except GrafanaClientError as error:
            if error.status_code == 403:
                raise GrafanaPermissionError(
                    f"Grafana at {self.place} does not let Saimi's user {what}: it lacks the "
                    f"permission {_needed(error.response) or permission}. Give it that, or use a "
                    "server administrator in SAIMI_GRAFANA_URL."
                ) from error
            if error.status_code == 412:
                raise ConflictError(
                    f"Somebody changed it in Grafana just now, so Saimi did not {what}: run this "
                    "again."
                ) from error
            raise self._failed(what, error) from error
        except GrafanaException as error:
            raise self._failed(what, error) from error
        except niquests.exceptions.RequestException as error:
            raise GrafanaError(
                f"Grafana at {self.place} does not answer ({type(error).__name__}): start it, or "
                "correct SAIMI_GRAFANA_URL."
            ) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise GrafanaError(
                f"What answers at {self.place} is no Grafana that Saimi knows, so it could not "
                f"{what}: correct SAIMI_GRAFANA_URL."
            ) from error

    def _failed(self, what: str, error: GrafanaException) -> GrafanaError:
        if error.status_code == 0:
            return GrafanaError(
                f"Grafana at {self.place} does not answer in time: start it, or correct "
                "SAIMI_GRAFANA_URL."
            )
        return GrafanaError(
            f"Grafana at {self.place} did not {what} (status {error.status_code}: "
            f"{_short(error.message)})."
        )


def _needed(response: object) -> str | None:
    message = response.get("message") if isinstance(response, dict) else None
    found = re.search(r"Permissions needed: (.+)", str(message or ""))
    return None if found is None else _short(found[1])


def _short(text: object) -> str:
    """One line of what another program says, without control characters."""
    return re.sub(r"\s+", " ", re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]", " ", str(text))).strip()[
        :_DETAIL
    ]
