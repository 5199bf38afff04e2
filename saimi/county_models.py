"""The models that the alert engine is to use, by the settings."""

from __future__ import annotations

from pathlib import Path

import structlog

from alerts.learned.learned import Learned
from core.errors import ModelError
from models.county import load

_log = structlog.get_logger()


def learned(folder: Path | None) -> Learned | None:
    """The models of a folder; None where none is set, or it cannot be used.

    A model that is refused must not stop the rules: the engine says so and goes on without, and
    `saimi doctor` fails.
    """
    if folder is None:
        _log.warning("no models: alerts follow rules only", setting="SAIMI_MODEL_DIR")
        return None
    try:
        county = load(folder)
    except ModelError as error:
        _log.error("models refused: alerts follow rules only", error=str(error))
        return None
    _log.info("models loaded", deterioration=county.deterioration is not None)
    return Learned(county)
