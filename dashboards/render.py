"""Write the dashboards as files that a Grafana container provisions by itself."""

from __future__ import annotations

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from core.errors import UserError
from dashboards.client import client_dashboard
from dashboards.postgres import DATASOURCE_TYPE, DATASOURCE_UID
from dashboards.texts import Language

_DATASOURCE = f"""\
# Read-only access to Saimi's views; the address and password come from Grafana's environment.
apiVersion: 1
datasources:
  - name: Saimi
    uid: {DATASOURCE_UID}
    type: {DATASOURCE_TYPE}
    access: proxy
    url: $SAIMI_GRAFANA_DATABASE_HOST
    user: $SAIMI_GRAFANA_DATABASE_USER
    jsonData:
      database: $SAIMI_GRAFANA_DATABASE_NAME
      sslmode: $SAIMI_GRAFANA_DATABASE_SSLMODE
      postgresVersion: 1700
    secureJsonData:
      password: $SAIMI_GRAFANA_DATABASE_PASSWORD
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


def render(directory: Path, language: Language = "fi") -> list[Path]:
    """Write the provisioning folder; mount it at `/etc/grafana/provisioning`.

    Returns the files written.

    Raises:
        UserError: the directory cannot be written.
    """
    board = JSONEncoder(sort_keys=True, indent=2).encode(client_dashboard(language))
    files = {
        "datasources/saimi.yaml": _DATASOURCE,
        "dashboards/saimi.yaml": _PROVIDER,
        "dashboards/saimi/client.json": board + "\n",
    }
    written = []
    try:
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise UserError(
            f"{directory} cannot be written ({error.strerror}): choose another folder with --out."
        ) from error
    return written
