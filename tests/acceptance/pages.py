"""Every page that people open: the one list that the checks of all pages go through.

A new page is one more line in PAGES. tests/unit/web/test_pages_listed.py fails until it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Listed:
    """One page, with somebody who may see it and what tells that it is all there."""

    route: str
    """As in the router, with {placeholders} by name, and a query where it makes another page."""
    ready: str = "main"
    """A selector: visible once the page is drawn."""
    who: str | None = "nurse"
    """A member of tests/integration/web_support.py; aino: the client; None: nobody is logged in."""
    fill: Mapping[str, str] = field(default_factory=dict)
    """For placeholders that are not called as what tests/acceptance/furnished.py made."""
    dialogs: tuple[str, ...] = ()
    """Ids of <dialog>s on it; each is opened and checked too."""

    def __str__(self) -> str:
        return " ".join((self.route, *self.fill.values()))

    def path(self, made: Mapping[str, object]) -> str:
        """Where it is, in a county that was furnished."""
        names = {name: made[thing] for name, thing in self.fill.items()}
        return self.route.format_map({**made, **names})


_ALERT_DIALOGS = ("closing", "handing", "asking", "noting", "going", "alone", "entering")

PAGES: tuple[Listed, ...] = (
    Listed("/login", who=None),
    Listed("/", ready=".card[data-id]"),
    Listed("/episodes/{id}", ready="#charts canvas", fill={"id": "mine"}, dialogs=_ALERT_DIALOGS),
    Listed("/episodes/{id}", ready="#history li", fill={"id": "help"}),
    Listed("/episodes/{id}", ready="#history li", fill={"id": "silent"}),
    Listed("/episodes/{id}", ready="#history li", fill={"id": "closed"}),
    Listed("/episodes/{id}/word", ready="#word", fill={"id": "closed"}),
    Listed("/missed", ready=".card"),
    Listed("/clients", ready=".clients a"),
    Listed("/clients?q={nobody}", ready=".empty"),
    Listed("/clients/{pseudonym}/trends", ready="#charts canvas"),
    Listed("/clients/{pseudonym}/trends?with=before", ready="#comparison td"),
    Listed("/clients/{pseudonym}/visit", ready="#charts:not([aria-busy]) .chart"),
    Listed("/clients/{pseudonym}/plan", ready="#plan", who="nurse"),
    Listed("/clients/{pseudonym}/plan", ready="#plan", who="klaara"),
    Listed("/clients/{pseudonym}/own", ready="#give"),
    Listed("/clients/{pseudonym}/export", ready="#export", who="desk"),
    Listed("/own/login", who=None),
    Listed("/own", ready="#call", who="aino"),
    Listed("/desk", ready="#board tbody tr", who="desk"),
    Listed("/desk?wall", ready="#board tbody tr", who="desk"),
    Listed("/desk/homes", ready="#board tbody tr", who="desk"),
    Listed("/desk/homes?wall", ready="#desk:not([aria-busy])", who="desk"),
    Listed("/desk/rota", ready="#on-duty", who="desk"),
    Listed("/desk/rota?wall", ready="#on-duty", who="desk"),
    Listed("/desk/rota/teams/{id}", ready="#add", who="desk", fill={"id": "team"}),
    Listed("/desk/rota/shifts/{id}", ready="#shift", who="desk", fill={"id": "shift"}),
    Listed("/desk/devices", ready="#held", who="desk"),
    Listed("/desk/devices/{id}", ready="#assign", who="desk", fill={"id": "device"}),
    Listed("/desk/devices/new?gateway={gateway}&name=scale-9", ready="#new", who="desk"),
    Listed("/desk/rules", ready="#decided", who="desk"),
    Listed("/desk/rules/ask/{rule}", ready="#ask", who="desk"),
    Listed("/desk/rules/{id}", ready="#decide", who="desk", fill={"id": "proposal"}),
    Listed("/desk/rules/{id}", ready="#decision", who="desk", fill={"id": "accepted"}),
    Listed("/desk/routing", ready="#changes", who="desk"),
    Listed("/desk/routing/severity/{name}", ready="#routing", who="desk", fill={"name": "severe"}),
    Listed("/desk/routing/severity/{name}", ready="#routing", who="desk", fill={"name": "mild"}),
    Listed("/desk/routing/county", ready="#routing", who="desk"),
    Listed("/desk/routing/teams/{id}", ready="#team", who="desk", fill={"id": "team"}),
    Listed("/desk/members", ready="#members", who="admin"),
    Listed("/desk/members/{id}", ready="#rights", who="admin", fill={"id": "member"}),
    Listed("/desk/retention", ready="#past", who="desk"),
    Listed("/desk/retention/{pseudonym}", ready="#erase", who="desk", fill={"pseudonym": "past"}),
    Listed("/clients/{pseudonym}/report", ready="#said"),
    Listed("/desk/reports", ready="#said", who="desk"),
    Listed("/desk/reports/{month}", ready="#said", who="desk"),
    Listed("/break-glass", ready="form.sheet"),
    Listed("/shell/list"),
    Listed("/shell/alert"),
    Listed("/nowhere", ready=".quiet-page"),
)

NOT_PAGES = (
    "/api/", "/fhir/", "/static/", "/healthz", "/readyz", "/sw.js", "/login/",
    "/episodes/{id}/part", "/clients/{pseudonym}/grafana", "/clients/{pseudonym}/readings.csv",
    "/own/part", "/desk/rota/part",
    "/clients/{pseudonym}/report.pdf", "/desk/reports/{month}/file.",
)  # fmt: skip
"""What programs and scripts fetch, and what only sends on to a page: how these paths begin."""
