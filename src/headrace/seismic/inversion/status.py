"""How an inversion stands: misfits, times, core hours, and when it will be over."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from headrace.seismic.inversion.commands import published
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.records import read_lines, read_records
from headrace.seismic.inversion.results import stages_of
from headrace.seismic.inversion.steering import read_request
from headrace.seismic.models import FieldReader

_RECENT = 5
# What this module reads of an iteration's summary.
_KEYS = frozenset(
    {"iteration", "band", "outcome", "reason", "misfit", "misfit_after", "trials", "given_up"}
    | {"seconds", "core_hours"}
)


def status_of(root: Path, staging: Path | None = None) -> dict[str, Any]:
    """How an inversion stands.

    Args:
        root: the inversion's directory.
        staging: where it is computed, if it can be seen from here: then the running iteration's
            times are seen too.

    Returns:
        ``state`` (``waiting``, ``running``, ``paused``, ``stopped`` or ``finished``), ``reason``,
        ``iteration``, ``band``, ``iterations`` (their summaries), ``misfits`` (every evaluation in
        its order), ``model_errors`` and ``model_error`` relative to the start where the true model
        is known, ``stages``, ``core_hours``, ``forecast``, ``steering``, ``history``, ``parent``.

    Raises:
        ConfigError: the settings cannot be used.
        InversionError: there is no inversion.
    """
    inversion = open_inversion(root)
    paths = inversion.paths
    numbers = published(paths)
    summaries = [told for number in numbers if (told := _summary(paths.summary(number)))]
    records = _records(paths, numbers, staging)
    stages = stages_of(records)
    state, reason = _state(paths, numbers, summaries)
    last = numbers[-1] if numbers else None
    errors = _model_errors(inversion)
    return {
        "title": inversion.settings.title,
        "directory": str(root),
        "state": state,
        "reason": reason,
        "iteration": last,
        "band": _band(paths, last, summaries),
        "iterations": summaries,
        "misfits": _misfits(summaries),
        "model_errors": errors,
        "model_error": errors[-1] if errors else None,
        "stages": stages,
        "core_hours": sum(row["core_hours"] for row in stages.values()),
        "forecast": _forecast(inversion, summaries, state),
        "steering": asdict(inversion.steering),
        "history": read_lines(paths.history),
        "parent": _json(paths.parent) or None,
    }


def _summary(path: Path) -> dict[str, Any]:
    told = _json(path)
    missing = sorted(_KEYS - set(told))
    if told and missing:
        raise InversionError(
            f"{path}: no {missing[0]!r} in it, so no iteration wrote it: restore it, or do the "
            "iteration again with `headrace inversion redo`"
        )
    return told


def _json(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _records(paths: Paths, numbers: list[int], staging: Path | None) -> list[dict[str, Any]]:
    found = []
    for number in numbers:
        home = read_lines(paths.results(number) / "records.jsonl")
        live = read_records(Paths(staging).records(number)) if staging else []
        found += live if len(live) > len(home) else home
    return found


def _state(paths: Paths, numbers: list[int], summaries: list[dict[str, Any]]) -> tuple[str, str]:
    if not numbers:
        return "waiting", "no iteration was published yet"
    last = summaries[-1] if summaries else None
    if last is None or last["iteration"] != numbers[-1]:
        if not paths.marker(numbers[-1]).exists():
            return "waiting", "the first iteration is not published yet"
        return "running", ""
    if last["outcome"] in ("finished", "paused", "stopped"):
        return last["outcome"], last["reason"]
    return "running", ""


def _band(paths: Paths, number: int | None, summaries: list[dict[str, Any]]) -> str | None:
    if number is None:
        return None
    for told in summaries:
        if told["iteration"] == number:
            return str(told["band"])
    return read_request(paths, number).band


def _misfits(summaries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every evaluation in its order: iteration, band, name, step, misfit, accepted."""
    found: list[dict[str, Any]] = []
    for told in summaries:
        if told["misfit"] is None:
            continue
        about = {"iteration": told["iteration"], "band": told["band"]}
        name = f"{told['iteration']:03d}"
        found.append({**about, "name": name, "step": 0.0, "misfit": told["misfit"], "trial": False})
        found += [
            {
                **about,
                "name": trial["name"],
                "step": trial["step"],
                "misfit": trial["misfit"],
                "trial": True,
                "accepted": trial["misfit"] == told["misfit_after"],
            }
            for trial in (*told["given_up"], *told["trials"])
        ]
    return found


def _model_errors(inversion: Inversion) -> list[float]:
    """Distance of each model to the true one, relative to that of the first; 0 is the truth."""
    paths = inversion.paths
    if not paths.true_model.is_file():
        return []
    distances = []
    number = 0
    while paths.model(number).is_file() and (not number or _is_result(paths, number)):
        distances.append(_distance(inversion, paths.model(number)))
        number += 1
    return [distance / distances[0] for distance in distances] if distances[0] else []


def _is_result(paths: Paths, number: int) -> bool:
    return _json(paths.summary(number - 1)).get("misfit_after") is not None


def _distance(inversion: Inversion, model: Path) -> float:
    square = 0.0
    with FieldReader(model) as one, FieldReader(inversion.paths.true_model) as other:
        for name in inversion.settings.parameters:
            for slab in one.layout.slabs():
                true = other.rows(name, slab.rows)
                square += float(np.sum(((one.rows(name, slab.rows) - true) / true) ** 2))
    return float(np.sqrt(square))


def _forecast(
    inversion: Inversion,
    summaries: list[dict[str, Any]],
    state: str,
) -> dict[str, Any]:
    """From the last iterations; those of bands to come are taken to last as long."""
    done = [told for told in summaries if told["outcome"] in ("done", "finished")]
    left = 0 if state == "finished" else max(0, inversion.settings.iterations - len(done))
    walls = [told["seconds"] for told in done[-_RECENT:] if told["seconds"]]
    if not walls or not left:
        known = None if left else 0.0
        return {"iterations": left, "seconds": known, "end": None, "core_hours": known}
    seconds = left * sum(walls) / len(walls)
    hours = [told["core_hours"] for told in done[-_RECENT:]]
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return {
        "iterations": left,
        "seconds": round(seconds, 1),
        "end": end.isoformat(timespec="seconds"),
        "core_hours": left * sum(hours) / len(hours),
    }
