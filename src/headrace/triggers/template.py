"""Input templates: an arrival's name and path put into the input of a run."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from headrace._internal.near_names import known_names
from headrace.triggers.arrival import Arrival, entry_folder
from headrace.triggers.errors import TriggerError

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def placeholders(arrival: Arrival) -> dict[str, str]:
    """List what a template may say about an arrival.

    Args:
        arrival: the arrival.

    Returns:
        Texts by placeholder: `name`; `stem`, the name up to its last dot; `path` within the
        collection (with a trailing slash for a directory); `folder`, the path of the watched
        directory; `collection`; `trigger`.
    """
    return {
        "name": arrival.name,
        "stem": arrival.name.rpartition(".")[0] or arrival.name,
        "path": arrival.path,
        "folder": entry_folder(arrival.path),
        "collection": arrival.collection,
        "trigger": arrival.trigger,
    }


PLACEHOLDERS = ("name", "stem", "path", "folder", "collection", "trigger")


def render_input(template: Any, arrival: Arrival) -> Any:
    """Fill in a template.

    Nothing but the placeholders is understood: no attributes, indices, conversions or formats.
    ``{{`` and ``}}`` stand for braces. Keys of objects are left as they are.

    Args:
        template: a JSON value; every text in it, at any depth, is a template.
        arrival: what to say in it.

    Returns:
        a new JSON value.

    Raises:
        TriggerError: an unknown placeholder, a lone brace, or a value that is not JSON.
    """
    return _render(template, placeholders(arrival), "")


def check_template(template: Any, where: str) -> None:
    """Find the mistakes of a template before anything arrives.

    Args:
        template: a JSON value.
        where: how to call it in the error, such as "start.input".

    Raises:
        TriggerError: as `render_input`; the message begins with the place.
    """
    _render(template, dict.fromkeys(PLACEHOLDERS, ""), where)


def _render(value: Any, texts: Mapping[str, str], where: str) -> Any:
    if isinstance(value, str):
        return _fill(value, texts, where)
    if isinstance(value, Mapping):
        return {key: _render(item, texts, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_render(item, texts, f"{where}[{index}]") for index, item in enumerate(value)]
    finite = isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    if finite or value is None:
        return value
    raise TriggerError(f"{where}: {value} is not a JSON value; write it as a text in quotes")


def _fill(text: str, texts: Mapping[str, str], where: str) -> str:
    def put(piece: re.Match[str]) -> str:
        if piece[0] in ("{{", "}}"):
            return piece[0][0]
        if piece[1] is None:
            raise TriggerError(f'{where}: lone "{piece[0]}" in "{text}"; write it twice')
        if piece[1] not in texts:
            known = known_names(piece[1], texts)
            raise TriggerError(f"{where}: unknown placeholder {piece[0]}; {known}")
        return texts[piece[1]]

    return _PIECE.sub(put, text)
