"""Status of an inversion: misfits, times, core hours, and when it will be over."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headrace.seismic.errors import ModelError
from headrace.seismic.inversion.changes import changes_since
from headrace.seismic.inversion.continuation import next_request
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.iteration import band_seen
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.published import is_started, published_iterations, read_summary
from headrace.seismic.inversion.records import read_lines, read_records
from headrace.seismic.inversion.results import stage_totals
from headrace.seismic.inversion.steering import read_request
from headrace.seismic.models import FieldReader

_RECENT = 5
STATES = (
    *("waiting", "running", "failed", "parked", "cancelled", "unknown"),
    *("paused", "stopped", "finished"),
)


@dataclass(frozen=True)
class RunState:
    """State of the run that advances an iteration that has not ended.

    Attributes:
        state: ``waiting`` (it has no run yet, and why), ``running``, ``failed``, ``parked`` (its
            run waits for a person), ``cancelled``, or ``unknown``.
        reason: in words, with the way out.
        run_id: its run; None without one.
    """

    state: str
    reason: str = ""
    run_id: str | None = None


UNKNOWN_RUN = RunState("unknown", "whether a run goes on with it was not asked")


def inversion_status(
    root: Path,
    staging: Path | None = None,
    run_state: Callable[[int], RunState] = lambda iteration: UNKNOWN_RUN,
) -> dict[str, Any]:
    """Return how an inversion stands.

    Args:
        root: the inversion's directory.
        staging: where it is computed, if it can be seen from here: then the running iteration's
            times are seen too.
        run_state: says of an iteration that has not ended whether somebody advances it.

    Returns:
        ``state`` (one of `STATES`), ``reason``, ``run_id``, ``iteration``, ``band``,
        ``iterations`` (their summaries), ``misfits`` (every evaluation in its order),
        ``model_errors`` and ``model_error`` relative to the start where the true model is known,
        ``stages``, ``core_hours``, ``forecast``, ``steering``, ``history``, ``parent``,
        ``changes`` (of the settings since the last iteration that ended) and ``problem`` (what
        could not be read).

    Raises:
        ConfigError: the settings cannot be used.
        InversionError: there is no inversion.
    """
    inversion = open_inversion(root)
    paths = inversion.paths
    numbers = published_iterations(paths)
    summaries = [summary for number in numbers if (summary := read_summary(paths, number))]
    over = {one["iteration"] for one in summaries if one["outcome"] in ("done", "finished")}
    records = _records(paths, numbers, over, staging)
    stages = stage_totals(records)
    standing = find_state(inversion, numbers, summaries, run_state)
    state = standing.state
    last = numbers[-1] if numbers else None
    errors, problem = _model_errors(inversion)
    changes = changes_since(paths, summaries[-1]["iteration"]) if summaries else []
    return {
        "title": inversion.settings.title,
        "directory": str(root),
        "state": state,
        "reason": standing.reason,
        "run_id": standing.run_id,
        "iteration": last,
        "band": _band(inversion, last, summaries, staging),
        "iterations": summaries,
        "misfits": misfit_evaluations(summaries),
        "model_errors": errors,
        "model_error": errors[-1] if errors else None,
        "stages": stages,
        "core_hours": sum(row["core_hours"] for row in stages.values()),
        "forecast": forecast(inversion, summaries, state),
        "steering": asdict(inversion.steering),
        "history": read_lines(paths.history),
        "parent": _json(paths.parent) or None,
        "changes": [asdict(change) for change in changes],
        "problem": problem,
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


def _records(
    paths: Paths, numbers: list[int], over: set[int], staging: Path | None
) -> list[dict[str, Any]]:
    """Return the records of all iterations; of those that are over, as they came home."""
    found = []
    for number in numbers:
        home = read_lines(paths.results(number) / "records.jsonl")
        if staging is None:
            found += home
        elif home and number in over:
            # What is done once the results are gathered, such as pictures, is not among them.
            stages = {str(record.get("stage")) for record in home}
            found += home + read_records(Paths(staging).records(number), stages)
        else:
            live = read_records(Paths(staging).records(number))
            found += live if len(live) > len(home) else home
    return found


def find_state(
    inversion: Inversion,
    numbers: list[int],
    summaries: list[dict[str, Any]],
    run_state: Callable[[int], RunState],
) -> RunState:
    """Return the state of an inversion: one of `STATES`, and why.

    Args:
        inversion: the home's settings and files.
        numbers: iterations that were published, rising.
        summaries: of those that have ended.
        run_state: says of an iteration that has not ended whether somebody advances it.
    """
    paths = inversion.paths
    if not is_started(paths):
        return RunState("waiting", "it has not started; `headrace inversion start` publishes it")
    last = summaries[-1] if summaries else None
    if last is not None and last["iteration"] == numbers[-1]:
        if last["outcome"] == "finished":
            return RunState("finished", last["reason"] + _more_to_do(inversion, numbers[-1]))
        if last["outcome"] in ("paused", "stopped"):
            way_out = "`headrace inversion resume` lets it go on"
            return RunState(last["outcome"], f"{last['reason']}; {way_out}")
    number = numbers[-1]
    if not paths.marker(number).exists() and number:
        number -= 1  # its run is still to publish the next one
    return run_state(number)


def _more_to_do(inversion: Inversion, last: int) -> str:
    """Return what resuming a finished inversion would do, if anything."""
    found = next_request(inversion, last)
    if found is None:
        return ""
    return (
        f"; the settings have more for it now: `headrace inversion resume` begins iteration "
        f"{found.iteration} in band {found.band}"
    )


def _band(
    inversion: Inversion, number: int | None, summaries: list[dict[str, Any]], staging: Path | None
) -> str | None:
    if number is None:
        return None
    for summary in summaries:
        if summary["iteration"] == number:
            return str(summary["band"])
    try:
        return band_seen(inversion, read_request(inversion.paths, number), staging)[0]
    except InversionError:
        return None


def misfit_evaluations(summaries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every evaluation in its order: iteration, band, name, step, misfit, accepted."""
    found: list[dict[str, Any]] = []
    for summary in summaries:
        if summary["misfit"] is None:
            continue
        about = {"iteration": summary["iteration"], "band": summary["band"]}
        name = f"{summary['iteration']:03d}"
        found.append(
            {**about, "name": name, "step": 0.0, "misfit": summary["misfit"], "trial": False}
        )
        found += [
            {
                **about,
                "name": trial["name"],
                "step": trial["step"],
                "misfit": trial["misfit"],
                "trial": True,
                "accepted": trial["name"] == summary["accepted"],
            }
            for trial in (*summary["given_up"], *summary["trials"])
        ]
    return found


def _model_errors(inversion: Inversion) -> tuple[list[float], str]:
    """Distance of each model to the true one, relative to that of the first; 0 is the truth.

    What cannot be read is reported, and keeps nothing else from being seen.
    """
    paths = inversion.paths
    if not paths.true_model.is_file():
        return [], ""
    distances = []
    number = 0
    try:
        while paths.model(number).is_file() and (not number or _is_result(paths, number)):
            distances.append(_distance(inversion, paths.model(number)))
            number += 1
    except (ModelError, ValueError) as error:
        return [], f"no model error: {error}"
    if not distances or not distances[0]:
        return [], ""
    return [distance / distances[0] for distance in distances], ""


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


def forecast(
    inversion: Inversion,
    summaries: list[dict[str, Any]],
    state: str,
) -> dict[str, Any]:
    """Return iterations that are left, when they will be over, and their core hours.

    From the last iterations; those of bands to come are taken to last as long.

    Args:
        inversion: the settings.
        summaries: iterations that have ended.
        state: of the inversion.
    """
    done = [summary for summary in summaries if summary["outcome"] in ("done", "finished")]
    left = 0 if state == "finished" else max(0, inversion.settings.iterations - len(done))
    walls = [summary["seconds"] for summary in done[-_RECENT:] if summary["seconds"]]
    if not walls or not left:
        known = None if left else 0.0
        return {"iterations": left, "seconds": known, "end": None, "core_hours": known}
    seconds = left * sum(walls) / len(walls)
    hours = [summary["core_hours"] for summary in done[-_RECENT:]]
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return {
        "iterations": left,
        "seconds": round(seconds, 1),
        "end": end.isoformat(timespec="seconds"),
        "core_hours": left * sum(hours) / len(hours),
    }
