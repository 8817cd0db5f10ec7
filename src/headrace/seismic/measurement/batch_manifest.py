"""Many events in one file, for one call of the waveform program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headrace.seismic.errors import ConfigError
from headrace.seismic.measurement.plan import EventRequest, Figures

_NEEDED = ("event", "observed", "synthetic", "output")
_MORE = ("event_directory", "windows_from")


def read_requests(
    path: Path, config: Path, figures: Figures = "sample", misfit_only: bool = False
) -> list[EventRequest]:
    """Read a list of events.

    Args:
        path: a JSON list of objects with ``event``, ``observed``, ``synthetic``, ``output``, and
            ``event_directory`` and ``windows_from`` if need be; relative paths start at the
            file's directory.
        config: configuration of all.
        figures: which traces are drawn.
        misfit_only: leave adjoint sources and figures out.

    Returns:
        One request for each, in order.

    Raises:
        ConfigError: the file cannot be read or used; the message names the entry.
    """
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the events: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(listed, list) or not listed:
        raise ConfigError(f"{path}: must be a list of events, one at least")
    requests = [
        _request(f"{path}: entry {number}", path.parent, entry, config, figures, misfit_only)
        for number, entry in enumerate(listed, start=1)
    ]
    outputs: dict[Path, str] = {}
    for request in requests:
        if request.output in outputs:
            raise ConfigError(
                f"{path}: {outputs[request.output]} and {request.event} have one output, "
                f"{request.output}; give each its own"
            )
        outputs[request.output] = request.event
    return requests


def _request(
    place: str, base: Path, entry: Any, config: Path, figures: Figures, misfit_only: bool
) -> EventRequest:
    if not isinstance(entry, dict):
        raise ConfigError(f"{place}: must be an object with {', '.join(_NEEDED)}")
    for key in _NEEDED:
        if key not in entry:
            raise ConfigError(f"{place}: key {key} is missing")
    for key, value in entry.items():
        if key not in (*_NEEDED, *_MORE):
            known = ", ".join((*_NEEDED, *_MORE))
            raise ConfigError(f"{place}: unknown key {key}; known: {known}")
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{place}: key {key} must be a text that is not empty")
    paths = {key: base / value for key, value in entry.items() if key != "event"}
    return EventRequest(
        config=config, event=entry["event"], figures=figures, misfit_only=misfit_only, **paths
    )
