"""Saved models: a folder of plain text that is refused when it is not what it says it is.

    model.json      the numbers, calibration and alert limits, and how it did
    card.md         the model card, for people
    manifest.json   versions, the list of features, SHA-256 of the other two and of itself

No pickle: what is read is numbers, checked for shape, and nothing of it is run. The hashes find
what was changed by mistake or by hand; they are no signature, and who may write the folder may
write the hashes too. The same training gives the same bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from core.errors import ModelError
from models.agitation import FEATURES, Agitation
from models.calibration import Sigmoid
from models.card import card
from models.training import Record, Trained

FORMAT = 1
"""Of the folder and of what the values mean; another one is refused."""
NAME = "agitation by home-day"
_MANIFEST, _MODEL, _CARD = "manifest.json", "model.json", "card.md"
_LARGEST = 1_000_000
"""Bytes; a saved model has some ten thousand."""


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    model: str
    features: list[str]
    features_sha256: str
    trained_with: dict[str, str]
    training_sha256: str
    files: dict[str, str]
    seal: str
    """SHA-256 of the manifest without this line."""


class _Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: dict[str, Any]
    calibration: dict[str, float]
    limit: float
    record: Record


@dataclass(frozen=True)
class Kind:
    """What a folder holds, and by what a model of another kind or version is refused."""

    name: str
    format: int
    features: tuple[str, ...]


AGITATION = Kind(NAME, FORMAT, FEATURES)


def save(folder: Path, trained: Trained) -> None:
    """Write a model of agitation and its card; see `put`."""
    values = _Values(
        trained.model.state(), trained.calibration.state(), trained.limit, trained.record
    )
    put(folder, AGITATION, msgspec.to_builtins(values), card(trained), trained.record.digest)


def load(folder: Path) -> Trained:
    """Read a model of agitation; see `get`."""
    return _trained(folder / _MODEL, get(folder, AGITATION))


def put(folder: Path, kind: Kind, values: dict[str, Any], card: str, training: str) -> None:
    """Write a model and its card; one that is there already is replaced, as a whole.

    Args:
        values: plain values, as JSON has them; training: SHA-256 of what it was learned from.

    Raises:
        ModelError: there is something else, or the folder cannot be written.
    """
    if folder.exists() and not (folder / _MANIFEST).is_file():
        empty = folder.is_dir() and not any(folder.iterdir())
        if not empty:
            raise ModelError(f"{folder} is there and is no saved model: choose another name.")
    files = {_MODEL: _json(values), _CARD: card.encode()}
    manifest = _manifest(kind, training, files)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, content in {**files, _MANIFEST: manifest}.items():
                (made / name).write_bytes(content)
            made.chmod(0o755)
            _put(made, folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {error.strerror}.") from error


def name_of(folder: Path) -> str:
    """What kind of model a folder says it holds.

    Raises:
        ModelError: it is no saved model's.
    """
    return str(_said(folder)[0].get("model"))


def get(folder: Path, kind: Kind) -> bytes:
    """Read a saved model's values, as JSON.

    Raises:
        ModelError: it is missing, damaged, changed, of another kind, version or list of features.
    """
    raw, version, features = _said(folder)
    if version != kind.format or raw.get("model") != kind.name:
        raise ModelError(
            f"{folder} is a model of another version ({raw.get('model')!r:.60}, {version!r:.20}); "
            f"this is {kind.name!r}, {kind.format}: train it again."
        )
    if features != list(kind.features):
        raise ModelError(
            f"{folder} was trained on another list of features than this version of Saimi "
            "computes: train it again."
        )
    try:
        manifest = msgspec.convert(raw, _Manifest)
        sealed = _seal(raw)
    except (msgspec.ValidationError, ValueError) as error:
        raise ModelError(f"{folder / _MANIFEST} is no model's manifest: {error}.") from error
    if manifest.seal != sealed or manifest.features_sha256 != _digest(_json(features)):
        raise ModelError(f"{folder / _MANIFEST} was changed after training: train the model again.")
    files = {}
    for name in (_MODEL, _CARD):
        files[name] = _read(folder / name)
        if manifest.files.get(name) != _digest(files[name]):
            raise ModelError(f"{folder / name} was changed after training: train the model again.")
    return files[_MODEL]


def _said(folder: Path) -> tuple[dict[str, Any], Any, Any]:
    """A manifest, its version and its features, nothing of it checked."""
    content = _read(folder / _MANIFEST)
    try:
        raw = json.loads(content)
        return raw, raw["format"], raw["features"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{folder / _MANIFEST} is no model's manifest: train it again.") from error


def _trained(path: Path, content: bytes) -> Trained:
    try:
        values = msgspec.json.decode(content, type=_Values)
        calibration = Sigmoid.from_state(values.calibration)
        if not (calibration.slope > 0 and 0 < values.limit <= 1):
            raise ValueError("calibration or alert limit out of range")
        return Trained(Agitation.from_state(values.model), calibration, values.limit, values.record)
    except (msgspec.DecodeError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path} does not hold a model: {error}.") from error


def _manifest(kind: Kind, training: str, files: dict[str, bytes]) -> bytes:
    import sklearn

    features = list(kind.features)
    plain = {
        "format": kind.format,
        "model": kind.name,
        "features": features,
        "features_sha256": _digest(_json(features)),
        "trained_with": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "training_sha256": training,
        "files": {name: _digest(content) for name, content in files.items()},
    }
    return _json({**plain, "seal": _seal(plain)})


def _seal(manifest: dict[str, Any]) -> str:
    return _digest(_json({name: value for name, value in manifest.items() if name != "seal"}))


def _put(made: Path, folder: Path) -> None:
    """Move a whole folder to its place; what was there goes when the new one is there."""
    if not folder.exists():
        made.rename(folder)
        return
    old = made.with_name(f"{made.name}-old")
    folder.rename(old)
    try:
        made.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({os.strerror(error.errno or 0)}): --model has to be a folder "
            "that saimi train wrote."
        ) from error
    if len(content) > _LARGEST:
        raise ModelError(f"{path} is larger than any saved model: it is not one.")
    return content


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
