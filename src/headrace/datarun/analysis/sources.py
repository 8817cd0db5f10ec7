"""Sources of events for an analysis: converted ROOT files, or event files as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from headrace.datarun.analysis.batch import Batch, Segment
from headrace.datarun.convert.columns import PREFIX, event_columns
from headrace.datarun.convert.converter import run_facts
from headrace.datarun.convert.root_file import METADATA, TREE
from headrace.datarun.errors import DataRunError
from headrace.datarun.events.problems import OnCorrupt
from headrace.datarun.events.reader import EventFile

_STEP = "100 MB"
_NAME = re.compile(r"run-?(\d+)(?:-(\d+))?")
_EVENT_COLUMNS = ("timestamp", "item")


def find_segments(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files of a run in order of their names.

    Args:
        paths: files, or directories whose ``*.root`` files are taken, else their ``*.evt``
            files; analyses that were written there before (``*-sorted.root``) are left out.

    Raises:
        DataRunError: a path does not exist, or there is no file at all.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [p for p in path.glob("*.root") if not p.stem.endswith("-sorted")]
            found += sorted(inside) or sorted(path.glob("*.evt"))
        elif path.is_file():
            found.append(path)
        else:
            raise DataRunError(f"{path}: not found; give segments' files or their directory")
    if not found:
        raise DataRunError(f"no *.root or *.evt file in {', '.join(map(str, paths))}")
    return tuple(found)


def open_segment(
    path: Path, columns: Sequence[str] | None = None, on_corrupt: OnCorrupt = "refuse"
) -> tuple[Segment, Iterator[Batch]]:
    """Open a segment.

    Args:
        path: a ROOT file that `headrace.datarun.convert` made, or an event file.
        columns: names of the hits' columns that are needed; None takes all.
        on_corrupt: what to do about damaged places of an event file.

    Returns:
        What it is, and its events in order; they are read while one goes through them.

    Raises:
        DataRunError: the file cannot be read, or lacks a column.
    """
    if path.suffix == ".root":
        return _open_root(path, columns)
    file = EventFile(path, on_corrupt)
    return _segment(path, run_facts(file)), _event_file_batches(file, columns)


def _segment(path: Path, facts: dict[str, Any]) -> Segment:
    named = _NAME.search(path.name)
    run, number = facts.get("run"), facts.get("segment")
    if named and run is None:
        run = int(named[1])
    if named and number is None and named[2]:
        number = int(named[2])
    return Segment(path.name, run, number, facts)


def _open_root(path: Path, columns: Sequence[str] | None) -> tuple[Segment, Iterator[Batch]]:
    try:
        file = uproot.open(path)
        tree = file[TREE]
        facts = json.loads(str(file[METADATA])) if METADATA in file else {}
    except (OSError, ValueError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise DataRunError(f"{path}: not a tree of a data run ({reason}); convert anew") from error
    there = [
        name.removeprefix(PREFIX) for name in tree.keys(recursive=False) if name.startswith(PREFIX)
    ]
    wanted = _select_columns(path, there, columns)
    return _segment(path, facts), _tree_batches(tree, wanted)


def _select_columns(path: Path, there: list[str], columns: Sequence[str] | None) -> list[str]:
    missing = sorted(set(columns or ()) - set(there))
    if missing:
        raise DataRunError(f"{path}: no column {', '.join(missing)}; it has {', '.join(there)}")
    return there if columns is None else list(columns)


def _tree_batches(tree: Any, columns: list[str]) -> Iterator[Batch]:
    branches = [*_EVENT_COLUMNS, *(PREFIX + name for name in columns)]
    if not columns:
        branches.append("nhits")
    for arrays in tree.iterate(branches, step_size=_STEP, library="ak"):
        hits: dict[str, Any] = {}
        start = np.zeros(len(arrays) + 1, np.int64)
        if not columns:
            np.cumsum(arrays["nhits"], out=start[1:])
        for name in columns:
            packed = ak.to_packed(arrays[PREFIX + name]).layout
            start = packed.offsets.data.astype(np.int64)
            hits[name] = packed.content.data
        yield Batch({name: np.asarray(arrays[name]) for name in _EVENT_COLUMNS}, hits, start)


def _event_file_batches(file: EventFile, columns: Sequence[str] | None) -> Iterator[Batch]:
    for batch in file.batches():
        made = event_columns(file, batch)
        wanted = _select_columns(file.path, list(made.hits), columns)
        yield Batch(made.events, {name: made.hits[name] for name in wanted}, made.start)
