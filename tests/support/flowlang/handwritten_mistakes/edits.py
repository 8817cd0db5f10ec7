"""A mistake: a sound flow, and what is changed in it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tests.support.flowlang.sound_flows import Flow

# In place of a value: the member is taken away.
GONE: Any = object()
Edit = tuple[str, Any]
# By its name: the sound flow, and what is changed; a place begins with ``d`` (the definition) or
# ``s`` (the input schema).
Mistake = tuple[str, list[Edit]]


def edit(flow: str, place: str, value: Any) -> Mistake:
    return flow, [(place, value)]


def _step(holder: Any, name: str) -> Any:
    return int(name) if isinstance(holder, list) else name


def mistaken(flows: Mapping[str, Flow], mistake: Mistake) -> tuple[Any, Any]:
    """A sound flow's definition and input schema with the mistake."""
    name, edits = mistake
    document = dict(zip("ds", copy.deepcopy(flows[name]), strict=True))
    for place, value in edits:
        names = place.split("/")
        holder: Any = document
        for step in names[:-1]:
            holder = holder[_step(holder, step)]
        last = _step(holder, names[-1])
        if value is GONE:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(value)
    return document["d"], document["s"]
