"""Many runs in one process; what is finished is not computed again.

A run's output is made under another name and renamed when it is whole. It holds ``done.json``:
hashes of all that went in and the sizes of all that came out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace._internal.atomic import directory_replacement, flush_file
from headrace._internal.files import write_whole
from headrace.seismic.errors import SolverError
from headrace.seismic.models import content_of
from headrace.seismic.solvers.base import AdjointRun, ForwardRun, Solver

DONE = "done.json"


@dataclass(frozen=True)
class RunOutcome:
    """Outcome of a run: its output, and whether it was computed or found finished."""

    output: Path
    computed: bool


def run_all(
    solver: Solver, runs: Sequence[ForwardRun | AdjointRun], settings: Mapping[str, Any]
) -> Iterator[RunOutcome]:
    """Do runs one after the other, skipping those that are finished.

    Args:
        solver: who does them.
        runs: forward and adjoint runs.
        settings: the solver's settings; a run with others is not the same run.

    Yields:
        The outcome of each run, when it is on the disk.

    Raises:
        SolverError: a run cannot be done; those before it are finished and stay.
    """
    for run in runs:
        key = run_key(solver.name, run, settings)
        wavefield = isinstance(run, ForwardRun) and run.save_wavefield
        if is_finished(run.output, key, wavefield=wavefield and solver.needs_wavefield):
            yield RunOutcome(run.output, computed=False)
            continue
        with directory_replacement(run.output) as temporary:
            moved = dataclasses.replace(run, output=temporary)
            if isinstance(moved, ForwardRun):
                solver.forward(moved)
            else:
                solver.adjoint(moved)
            record = {"key": key, "wavefield": wavefield, "files": _sizes(temporary)}
            write_whole(temporary / DONE, json.dumps(record, indent=1, sort_keys=True) + "\n")
            for path in temporary.rglob("*"):
                flush_file(path)
        yield RunOutcome(run.output, computed=True)


def is_finished(output: Path, key: str, *, wavefield: bool = False) -> bool:
    """Return whether an output is whole and was made from what the key stands for.

    Args:
        output: the run's output.
        key: its hash, see `run_key`.
        wavefield: the output must also hold what the adjoint run reads.

    Returns:
        True if the run need not be done.
    """
    try:
        record = json.loads((output / DONE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if wavefield and not record.get("wavefield"):
        return False
    return bool(record.get("key") == key and record.get("files") == _sizes(output))


def run_key(
    solver: str, run: ForwardRun | AdjointRun, settings: Mapping[str, Any], content: str = ""
) -> str:
    """Hash of all that goes into a run: model, event, settings, adjoint sources.

    A forward run has the same with and without its wavefield, and in a trial model the same as in
    the model that the trial becomes: what counts is the model's content.

    Args:
        solver: name of the solver.
        run: the run; where its output goes does not count.
        settings: the solver's settings.
        content: hash of the model's content, where it is known already; else the model is read.

    Returns:
        64 hexadecimal digits.

    Raises:
        SolverError: an input is missing.
    """
    if not content:
        content = content_of(run.model)
    record: dict[str, Any] = {
        "kind": type(run).__name__,
        "solver": solver,
        "settings": {name: settings[name] for name in sorted(settings)},
        "model": content,
        "event": _tree(run.event),
    }
    if isinstance(run, AdjointRun):
        record["adjoint_sources"] = _tree(run.adjoint_sources)
    text = json.dumps(record, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _tree(directory: Path) -> list[list[str]]:
    if not directory.is_dir():
        raise SolverError(f"{directory}: no such directory")
    return [
        [path.name, hashlib.sha256(path.read_bytes()).hexdigest()]
        for path in sorted(directory.iterdir())
        if path.is_file()
    ]


def _sizes(directory: Path) -> dict[str, int]:
    """Return the files below a directory, by their paths in it, and their sizes."""
    found: dict[str, int] = {}
    pending = [(os.fspath(directory), "")]
    while pending:
        place, prefix = pending.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, f"{prefix}{entry.name}/"))
                elif entry.is_file() and entry.name != DONE:
                    found[prefix + entry.name] = entry.stat().st_size
    return found
