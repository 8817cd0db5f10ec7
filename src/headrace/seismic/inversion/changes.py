"""Changes of the settings since an iteration: one answer for all who ask."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headrace.seismic.errors import ModelError
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.steering import read_steering
from headrace.seismic.models import content_of

_ANEW = "the optimiser begins anew from the present model"
_EFFECTS = {
    "bands": "holds from the next iteration on",
    "misfit": _ANEW,
    "windows": _ANEW,
    "solver": _ANEW,
    "events": _ANEW,
    "stations": _ANEW,
    "parameters": _ANEW,
    "smoothing": _ANEW,
    "tapers": _ANEW,
    "mutes": _ANEW,
    "preconditioner": _ANEW,
    "clip": _ANEW,
    "optimiser": _ANEW,
}
_FIRST_MODEL = "models/000.h5"
# Keys that no iteration computes anything else for.
_TEXT_KEYS = ("title",)


@dataclass(frozen=True)
class Change:
    """One thing that is no more as an iteration had it.

    Attributes:
        key: of the settings, for example ``bands.short.iterations``; or a file.
        before: its value then; None if there was none.
        now: its value now; None if there is none.
        effect: what follows of it.
    """

    key: str
    before: Any
    now: Any
    effect: str

    def __str__(self) -> str:
        values = [
            "not set" if value is None else json.dumps(value, ensure_ascii=False, default=str)
            for value in (self.before, self.now)
        ]
        return f"{self.key}: {values[0]} -> {values[1]}; {self.effect}"


def settings_snapshot(inversion: Inversion) -> str:
    """Return settings.

    Steering and first model of an iteration, as JSON, to be compared with later.
    """
    paths = inversion.paths
    steering = asdict(inversion.steering)
    document = {
        "settings": _document(paths.settings),
        "steering": {name: steering[name] for name in ("events", "stations")},
        "first_model": _content_or_empty(paths.model(0)),
    }
    return json.dumps(document, indent=1, default=str)


def changes_since(paths: Paths, iteration: int) -> list[Change]:
    """Return what was changed since an iteration ended.

    Args:
        paths: the inversion's files, with the iteration's results.
        iteration: its number.

    Returns:
        The changes; none where the iteration kept no settings.
    """
    try:
        document = json.loads(paths.settings_of(iteration).read_text(encoding="utf-8"))
        before, steering = _flattened(document["settings"]), document["steering"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    now = _flattened(json.loads(json.dumps(_document(paths.settings), default=str)))
    found = [
        Change(key, before.get(key), now.get(key), _effect(key))
        for key in dict.fromkeys([*before, *now])
        if before.get(key) != now.get(key) and key not in _TEXT_KEYS
    ]
    present = read_steering(paths)
    for name in ("events", "stations"):
        was, left_out = sorted(steering.get(name, [])), sorted(getattr(present, name))
        if was != left_out:
            found.append(Change(f"dropped {name}", was, left_out, _ANEW))
    content = _content_or_empty(paths.model(0))
    if content and document.get("first_model") and content != document["first_model"]:
        effect = "counts only after `headrace inversion back-to 0`"
        found.append(Change(_FIRST_MODEL, document["first_model"][:8], content[:8], effect))
    return found


def allow_continuation(changes: list[Change]) -> bool:
    """Return whether an iteration that has stopped finds something new to do."""
    return any(change.effect in _EFFECTS.values() for change in changes)


def _effect(key: str) -> str:
    return _EFFECTS.get(key.partition(".")[0], "holds at once")


def _flattened(table: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """Return every value by its key with dots; tables of a list by their name, or number."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        full = f"{name}{key}"
        if isinstance(value, Mapping):
            found |= _flattened(value, f"{full}.")
        elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            for number, one in enumerate(value):
                label = str(one.get("name", number))
                found |= _flattened(
                    {k: v for k, v in one.items() if k != "name"}, f"{full}.{label}."
                )
            if any("name" in one for one in value):
                found[full] = [one.get("name") for one in value]
        else:
            found[full] = value
    return found


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _content_or_empty(model: Path) -> str:
    try:
        return content_of(model)
    except ModelError:
        return ""
