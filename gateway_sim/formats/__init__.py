"""How gateways speak: one file a format, written from the format's own documentation.

Saimi's own format (`gateway_sim.senml`) has receipts and numbered messages. The others have
neither: what they say while there is no connection is lost, and the ledger alone numbers it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from core.registry import Document
from core.wire import SENML
from gateway_sim.county import County
from gateway_sim.formats.gatt import Gatt
from gateway_sim.formats.ruuvi import RuuviGateway
from gateway_sim.formats.theengs import Theengs
from gateway_sim.formats.told import Format, Told
from gateway_sim.formats.zigbee2mqtt import Zigbee2mqtt
from gateway_sim.noise import key, mix, uniform

__all__ = ["FORMATS", "KNOWN", "Format", "Told", "as_told", "formats_of", "share_problem"]

FORMATS: Mapping[str, type[Format]] = {
    one.source: one for one in (Zigbee2mqtt, Theengs, RuuviGateway, Gatt)
}
"""Those besides Saimi's own, by source, as on the topic."""
KNOWN = (SENML, *sorted(FORMATS))
"""All that shares may name."""


def formats_of(county: County, shares: Mapping[str, float]) -> dict[str, Format]:
    """The gateways that do not speak SenML, each with what it speaks.

    Args:
        shares: of homes, by source; what is left speaks SenML.
    """
    names = [name for name in sorted(shares) if name != SENML]
    if not names:
        return {}
    steps = np.cumsum([shares[name] for name in names])
    drawn = uniform(mix(np.arange(len(county.homes), dtype=np.uint64) + key(county.seed, 83)))
    chosen = np.searchsorted(steps, drawn, side="right").tolist()
    return {
        home.gateway: FORMATS[names[place]](home.number, tuple(home.devices))
        for home, place in zip(county.homes, chosen, strict=True)
        if place < len(names)
    }


def as_told(document: Document, formats: Mapping[str, Format]) -> Document:
    """The registry document with devices as their gateways name them; those that a format cannot
    carry are not there."""
    homes = []
    for home in document.homes:
        spoken = formats.get(home.gateway)
        if spoken is not None:
            devices = [
                msgspec.structs.replace(device, name=spoken.name_of(device.name))
                for device in home.devices
                if device.kind in spoken.carries
            ]
            home = msgspec.structs.replace(home, devices=devices)
        homes.append(home)
    return msgspec.structs.replace(document, homes=homes)


def share_problem(shares: Mapping[str, float]) -> str | None:
    """What is the matter with shares of formats, if anything is."""
    total = sum(shares.values())
    if any(not 0 <= share <= 1 for share in shares.values()):
        return "a share lies between 0 and 1"
    return f"the shares sum to {total:g}; 1 is the most" if total > 1 + 1e-9 else None
