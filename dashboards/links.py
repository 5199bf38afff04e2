"""Links between Grafana and Saimi. Into a client's dashboard they pass through Saimi, which puts
the look on record; what somebody does inside Grafana is not in Saimi's access log."""

from __future__ import annotations

from dataclasses import dataclass

CLIENT_UID = "saimi-client"
_RANGE = "from=${__from}&to=${__to}"


@dataclass(frozen=True)
class Links:
    """Addresses as Grafana's data links write them. `saimi`: the address that browsers use, without
    a slash at its end; None: there are no links to Saimi."""

    saimi: str | None = None

    def alert(self) -> str | None:
        """An alert's card, from a cell with its number."""
        return None if self.saimi is None else f"{self.saimi}/episodes/${{__value.raw}}"

    def client(self) -> str:
        """A client's dashboard, from a cell with the pseudonym; recorded as a look where Saimi's
        address is known."""
        if self.saimi is None:
            return f"/d/{CLIENT_UID}?var-client=${{__value.text}}&{_RANGE}"
        return f"{self.saimi}/clients/${{__value.text}}/grafana?{_RANGE}"

    def trends(self) -> str | None:
        """The built-in trends of the client chosen."""
        return None if self.saimi is None else f"{self.saimi}/clients/${{client}}/trends"


NO_LINKS = Links()
