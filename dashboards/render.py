"""Write the dashboards as files that a Grafana container provisions by itself.

Files provision one organisation, Grafana's first: an area's own Grafana, or the county's. Where one
Grafana serves several areas, `saimi grafana sync` makes an organisation for each.
"""

from __future__ import annotations

from pathlib import Path

from core.errors import UserError
from dashboards.boards import Audience, as_json, boards
from dashboards.links import NO_LINKS, Links
from dashboards.operations import PROMETHEUS_UID
from dashboards.postgres import DATASOURCE_TYPE, DATASOURCE_UID
from dashboards.texts import Language

_DATASOURCE = f"""\
# Read-only access to Saimi's views; the address and password come from Grafana's environment.
# The role is made by `saimi grafana role`.
apiVersion: 1
datasources:
  - name: Saimi
    uid: {DATASOURCE_UID}
    type: {DATASOURCE_TYPE}
    access: proxy
    isDefault: true
    url: $SAIMI_GRAFANA_DATABASE_HOST
    user: $SAIMI_GRAFANA_DATABASE_USER
    jsonData:
      database: $SAIMI_GRAFANA_DATABASE_NAME
      sslmode: $SAIMI_GRAFANA_DATABASE_SSLMODE
      postgresVersion: 1700
      maxOpenConns: 10
    secureJsonData:
      password: $SAIMI_GRAFANA_DATABASE_PASSWORD
    editable: false
"""

_PROMETHEUS = f"""\
  - name: Prometheus
    uid: {PROMETHEUS_UID}
    type: prometheus
    access: proxy
    url: $SAIMI_GRAFANA_PROMETHEUS_URL
    editable: false
"""

_PROVIDER = """\
apiVersion: 1
providers:
  - name: saimi
    folder: Saimi
    folderUid: saimi
    type: file
    allowUiUpdates: false
    options:
      path: /etc/grafana/provisioning/dashboards/saimi
"""


def render(
    directory: Path,
    audience: Audience = "area",
    language: Language = "fi",
    links: Links = NO_LINKS,
    *,
    with_prometheus: bool = False,
) -> list[Path]:
    """Write the provisioning folder; mount it at `/etc/grafana/provisioning`.

    Dashboards of the other audience that an earlier call left there are removed. Returns the files
    written.

    Raises:
        UserError: the directory cannot be written.
    """
    made = boards(audience, language, links, with_prometheus=with_prometheus)
    prometheus = _PROMETHEUS if with_prometheus and audience == "county" else ""
    files = {
        "datasources/saimi.yaml": _DATASOURCE + prometheus,
        "dashboards/saimi.yaml": _PROVIDER,
        **{f"dashboards/saimi/{board.uid}.json": as_json(board) for board in made},
    }
    written = []
    try:
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
        for path in (directory / "dashboards" / "saimi").glob("saimi-*.json"):
            if path not in written:
                path.unlink()
    except OSError as error:
        raise UserError(
            f"{directory} cannot be written ({error.strerror}): choose another folder with --out."
        ) from error
    return written
