"""Published iterations and their summaries, as the home's files say."""

from __future__ import annotations

import json
from typing import Any

from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths

# What is read of an iteration's summary.
_KEYS = frozenset(
    {"iteration", "band", "outcome", "reason", "misfit", "misfit_after", "trials", "given_up"}
    | {"seconds", "core_hours", "turn", "steered", "kept", "accepted"}
)


def published_iterations(paths: Paths) -> list[int]:
    """Numbers of the iterations that were published, rising."""
    places = paths.iterations.glob("[0-9]*") if paths.iterations.is_dir() else []
    return sorted(int(place.name) for place in places if place.name.isdigit())


def is_started(paths: Paths) -> bool:
    """Return whether the first iteration was published with its marker, or anything came of it."""
    numbers = published_iterations(paths)
    if not numbers:
        return False
    return numbers[-1] > 0 or paths.marker(0).exists() or paths.summary(0).is_file()


def read_summary(paths: Paths, iteration: int) -> dict[str, Any]:
    """Return an iteration in numbers; empty while it has none.

    Raises:
        InversionError: no iteration wrote this.
    """
    path = paths.summary(iteration)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return {}
    except ValueError:
        document = None
    missing = sorted(_KEYS - set(document)) if isinstance(document, dict) else ["iteration"]
    if missing:
        raise InversionError(
            f"{path}: no {missing[0]!r} in it, so no iteration wrote it: restore it, or do the "
            "iteration again with `headrace inversion redo`"
        )
    return dict(document)
