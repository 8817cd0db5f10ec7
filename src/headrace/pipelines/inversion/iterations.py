"""Iterations of an inversion as their files say: evaluations, stages, misfits, costs.

Nothing here keeps an element for an event: stages have counts of them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from headrace.pipelines.inversion.file_cache import FileCache
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths, number_text
from headrace.seismic.inversion.published import published_iterations, read_summary
from headrace.seismic.inversion.records import read_lines

STAGES: Final = ("check", "forward", "windows", "decide", "adjoint", "update", "pictures")
"""Stages in the order in which an iteration has them."""

BATCH_STAGES: Final = ("forward", "windows", "adjoint")
"""Stages that work on events."""


@dataclass(frozen=True)
class StageWork:
    """Work of a stage for one evaluation, or for all of an iteration.

    Attributes:
        seconds: time of its jobs together, s.
        core_hours: core hours of them.
        computed: events that were computed.
        found: events that were finished before.
        jobs: number of jobs.
        error: what went wrong with the last one; empty where nothing did.
    """

    seconds: float = 0.0
    core_hours: float = 0.0
    computed: int = 0
    found: int = 0
    jobs: int = 0
    error: str = ""

    def joined(self, other: StageWork) -> StageWork:
        """Return this work and a later one as one."""
        return StageWork(
            self.seconds + other.seconds,
            self.core_hours + other.core_hours,
            self.computed + other.computed,
            self.found + other.found,
            self.jobs + other.jobs,
            other.error,
        )


Works = Mapping[str, Mapping[str, StageWork]]
"""Evaluation -> stage -> its work."""


@dataclass(frozen=True)
class Iteration:
    """One iteration.

    Attributes:
        number: its number.
        summary: its ``summary.json``; empty until it has ended.
        works: what was done for each of its evaluations; of the iteration itself under "".
        problem: what of it cannot be read, in one line; empty by default.
    """

    number: int
    summary: Mapping[str, Any] = field(default_factory=dict)
    works: Works = field(default_factory=dict)
    problem: str = ""

    @property
    def outcome(self) -> str:
        """Outcome that it ended with; empty until it has ended."""
        return str(self.summary.get("outcome", ""))

    @functools.cached_property
    def stages(self) -> dict[str, StageWork]:
        """Stage -> its work for all evaluations."""
        return joined_works(self.works.values())

    @property
    def trials(self) -> list[Mapping[str, Any]]:
        """Trials of its line search, in their order."""
        return [*self.summary.get("given_up", ()), *self.summary.get("trials", ())]


def joined_works(works: Iterable[Mapping[str, StageWork]]) -> dict[str, StageWork]:
    """Return the work of each stage, of several evaluations together.

    Args:
        works: of each evaluation.
    """
    found: dict[str, StageWork] = {}
    for stages in works:
        for stage, work in stages.items():
            found[stage] = found[stage].joined(work) if stage in found else work
    return found


class IterationReader:
    """Reads the iterations of inversions; keeps what has not changed since."""

    def __init__(self) -> None:
        self._summaries: FileCache[dict[str, Any]] = FileCache()
        self._works: FileCache[Works] = FileCache()

    def read_all(self, paths: Paths, staging: Path | None) -> list[Iteration]:
        """Return all iterations that were published, in their order.

        Args:
            paths: the inversion's files.
            staging: where it is computed, if that can be seen: then what an iteration that has not
                ended has done so far is seen too.
        """
        return [self.read(paths, number, staging) for number in published_iterations(paths)]

    def read(self, paths: Paths, number: int, staging: Path | None) -> Iteration:
        """Return one iteration.

        Args:
            paths: the inversion's files.
            number: its number.
            staging: as of `read_all`.
        """
        problem = ""
        summary: dict[str, Any] = {}
        try:
            summary = self._summaries.get(
                paths.summary(number), lambda path: read_summary(paths, number)
            )
        except InversionError as error:
            problem = str(error)
        works = self._works.get(paths.results(number) / "records.jsonl", _works_of)
        if staging is not None and not summary:
            live = self._live_works(Paths(staging).records(number))
            works = live if live else works
        return Iteration(number, summary, works, problem)

    def _live_works(self, directory: Path) -> Works:
        found: dict[str, dict[str, StageWork]] = {}
        for path in _record_files(directory):
            for evaluation, stages in self._works.get(path, _works_of).items():
                known = found.get(evaluation, {})
                found[evaluation] = joined_works([known, stages])
        return found


def _record_files(directory: Path) -> list[Path]:
    try:
        names = [entry.name for entry in os.scandir(directory) if entry.name.endswith(".jsonl")]
    except OSError:
        return []
    return [directory / name for name in sorted(names)]


def _works_of(path: Path) -> Works:
    found: dict[str, dict[str, StageWork]] = {}
    for record in _usable(read_lines(path)):
        stages = found.setdefault(str(record.get("evaluation", "")), {})
        seconds = float(record["seconds"])
        work = StageWork(
            seconds,
            seconds * float(record["cores"]) / 3600.0,
            len(record["computed"]),
            int(record["found"]),
            1,
            str(record.get("error", "")),
        )
        stage = str(record["stage"])
        stages[stage] = stages[stage].joined(work) if stage in stages else work
    return found


def _usable(records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the records that a stage wrote; a line that anything else wrote is none."""
    for record in records:
        numbers = (record.get(name) for name in ("seconds", "cores", "found"))
        if (
            all(isinstance(one, int | float) for one in numbers)
            and isinstance(record.get("computed"), list)
            and isinstance(record.get("stage"), str)
        ):
            yield record


@dataclass(frozen=True)
class Cell:
    """A cell of the grid: a stage of an evaluation.

    Attributes:
        word: how it stands.
        kind: of the mark: ``good``, ``bad`` or ``busy``.
        work: what was done.
        events: events that it should have; 0 where that is not shown.
    """

    word: str
    kind: str
    work: StageWork
    events: int = 0


@dataclass(frozen=True)
class GridRow:
    """A row of the grid.

    Attributes:
        iteration: the iteration.
        name: the evaluation; empty for the row of the iteration itself.
        cells: one for each stage; None where nothing was done.
        misfit: of the evaluation, or of the iteration's first model.
        step: length of the trial's step; None where it is none.
        word: how the row stands.
        kind: of the mark.
        trials: number of trials that have no row of their own.
    """

    iteration: Iteration
    name: str
    cells: tuple[Cell | None, ...]
    misfit: float | None = None
    step: float | None = None
    word: str = ""
    kind: str = "idle"
    trials: int = 0


_OUTCOMES: Final = {
    "done": ("done", "good"),
    "finished": ("finished", "good"),
    "paused": ("paused", "wait"),
    "stopped": ("stopped", "bad"),
    "": ("not ended", "busy"),
}


def grid_rows(iterations: Iterable[Iteration], events: int, most: int = 100) -> list[GridRow]:
    """Return the rows of the grid, the newest iteration first.

    Args:
        iterations: in the order of their numbers.
        events: events that take part, for iterations that have not ended.
        most: rows after which trials have none of their own any more: their iterations say how
            many there were.
    """
    rows: list[GridRow] = []
    for iteration in sorted(iterations, key=lambda one: -one.number):
        names = _evaluations(iteration)
        with_trials = len(rows) + 1 + len(names) <= most
        summary = iteration.summary
        word, kind = _OUTCOMES.get(iteration.outcome, (iteration.outcome, "idle"))
        if iteration.problem:
            word, kind = "cannot be read", "bad"
        elif summary.get("kept"):
            word = "model kept"
        count = int(summary.get("events") or events)
        rows.append(
            GridRow(
                iteration,
                "",
                _cells(iteration.stages, 0, bool(summary)),
                misfit=summary.get("misfit"),
                word=word,
                kind=kind,
                trials=0 if with_trials else len(names),
            )
        )
        if with_trials:
            rows += [_trial_row(iteration, name, count) for name in names]
    return rows


def _evaluations(iteration: Iteration) -> list[str]:
    named = [str(trial["name"]) for trial in iteration.trials]
    return list(dict.fromkeys([*(name for name in iteration.works if name), *named]))


def _trial_row(iteration: Iteration, name: str, events: int) -> GridRow:
    trial = next((one for one in iteration.trials if one["name"] == name), None)
    row = GridRow(
        iteration, name, _cells(iteration.works.get(name, {}), events, bool(iteration.summary))
    )
    if trial is None:
        is_start = "_trial_" not in name
        misfit = iteration.summary.get("misfit") if is_start else None
        return replace(row, misfit=misfit, word="model" if is_start else "")
    row = replace(row, misfit=trial["misfit"], step=trial["step"])
    if trial["name"] == iteration.summary.get("accepted"):
        return replace(row, word="accepted", kind="good")
    return replace(row, word="refused" if trial["misfit"] is None else "not taken")


def _cells(
    stages: Mapping[str, StageWork], events: int, has_ended: bool
) -> tuple[Cell | None, ...]:
    return tuple(
        _cell(stage, stages[stage], events, has_ended) if stage in stages else None
        for stage in STAGES
    )


def _cell(stage: str, work: StageWork, events: int, has_ended: bool) -> Cell:
    events = events if stage in BATCH_STAGES else 0
    if work.error:
        return Cell("failed", "bad", work, events)
    if events and not has_ended and work.computed + work.found < events:
        return Cell("partly", "busy", work, events)
    return Cell("done", "good", work, events)


def known_stage(iteration: Iteration | None) -> str:
    """Return how far an iteration is, as a person may have seen it.

    Args:
        iteration: the iteration; None where there is none.
    """
    if iteration is None:
        return "none"
    jobs = sum(work.jobs for work in iteration.stages.values())
    return f"{number_text(iteration.number)} {iteration.outcome or 'open'} {jobs}"
