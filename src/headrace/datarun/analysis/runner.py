"""An analysis over all segments of a run, and what comes of it."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import uproot

from headrace._internal.files import write_whole
from headrace.datarun.analysis.protocol import AnalysisError, load_analysis, user_error_message
from headrace.datarun.analysis.sources import find_segments, open_segment
from headrace.datarun.errors import DataRunError
from headrace.datarun.events.problems import OnCorrupt
from headrace.datarun.reproducible_root import atomic_files, constant_times, file_uuid


@dataclass(frozen=True)
class SegmentResult:
    """Result of the analysis of one segment.

    Attributes:
        name: the segment's file.
        run: number of the run, if known.
        segment: number of the segment, if known.
        facts: what is known of it.
        events: events that were processed.
        hits: hits in them.
        histograms: name to histogram.
    """

    name: str
    run: int | None
    segment: int | None
    facts: Mapping[str, Any]
    events: int
    hits: int
    histograms: dict[str, Any]


def analyze_segment(
    path: Path, analysis: str = "channels", on_corrupt: OnCorrupt = "refuse"
) -> SegmentResult:
    """Run an analysis over one segment.

    Args:
        path: a converted ROOT file, or an event file.
        analysis: which, see `load_analysis`.
        on_corrupt: what to do about damaged places of an event file.

    Returns:
        Its histograms.

    Raises:
        DataRunError: the file cannot be read, or the analysis fails.
    """
    kind = load_analysis(analysis)
    segment, batches = open_segment(path, getattr(kind, "columns", None), on_corrupt)
    events = hits = 0
    step = "__init__"
    try:
        work = kind()
        step = "begin"
        work.begin(segment)
        while True:
            step = "read"
            batch = next(batches, None)
            if batch is None:
                break
            step = "process"
            work.process(batch)
            events += len(batch)
            hits += int(batch.start[-1])
        step = "end"
        histograms = dict(work.end() or {})
    except DataRunError:
        raise
    except Exception as error:
        if step == "read":
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise DataRunError(f"{path}: cannot be read ({reason}); convert anew") from error
        raise AnalysisError(
            f"{kind.__name__}.{step} on {path.name}: "
            f"{user_error_message(error, _file_of(analysis))}"
        ) from error
    return SegmentResult(
        path.name, segment.run, segment.segment, segment.facts, events, hits, histograms
    )


def _file_of(analysis: str) -> Path | None:
    file = analysis.partition(":")[0]
    return Path(file).absolute() if file.endswith(".py") else None


def merge(results: Iterable[SegmentResult]) -> dict[str, Any]:
    """Add the histograms of segments that have the same name.

    Results are taken one after the other, so that a run needs the memory of two segments,
    however many it has.

    Args:
        results: of the segments, in the order in which they are added.

    Returns:
        Name to histogram, in order of names.

    Raises:
        AnalysisError: two of the same name have different axes.
    """
    total: dict[str, Any] = {}
    for result in results:
        for name, histogram in result.histograms.items():
            if name not in total:
                total[name] = histogram
            elif total[name].axes != histogram.axes:
                raise AnalysisError(
                    f"histogram {name} has other axes in {result.name} than before; "
                    "make its axes the same for every segment"
                )
            else:
                total[name] = total[name] + histogram
    return dict(sorted(total.items()))


@dataclass(frozen=True)
class RunResult:
    """Result of the analysis of a run.

    Attributes:
        run: its number, if known.
        histograms: ROOT file with the merged histograms.
        summary: JSON file with what was counted.
        pictures: PNG files.
        events: events that were processed.
        hits: hits in them.
    """

    run: int | None
    histograms: Path
    summary: Path
    pictures: tuple[Path, ...]
    events: int
    hits: int


def analyze_run(
    places: Sequence[Path],
    output: Path,
    analysis: str = "channels",
    *,
    workers: int = 1,
    pictures: bool = True,
    on_corrupt: OnCorrupt = "refuse",
) -> RunResult:
    """Run an analysis over all segments of a run and write what comes of it.

    Histograms are added in order of the segments' names, so that the result does not depend on
    the number of workers.

    Args:
        places: segments' files, or directories that hold them.
        output: directory for ``run-NNNN-sorted.root``, ``run-NNNN-summary.json`` and pictures;
            made where it is missing.
        analysis: which, see `load_analysis`.
        workers: processes that share the segments.
        pictures: whether to draw them.
        on_corrupt: what to do about damaged places of event files.

    Returns:
        What was written.

    Raises:
        DataRunError: a file cannot be read or written, segments are of different runs, or the
            analysis fails.
    """
    paths = find_segments(places)
    one = partial(analyze_segment, analysis=analysis, on_corrupt=on_corrupt)
    if workers > 1 and len(paths) > 1:
        # Spawned, not forked: the libraries of this process may have threads.
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(min(workers, len(paths)), context) as pool:
                results, histograms = _merged(pool.map(one, paths))
        except BrokenProcessPool as error:
            raise DataRunError(
                "a worker of the analysis was killed; is there enough memory? try --workers 1"
            ) from error
    else:
        results, histograms = _merged(map(one, paths))
    return _write(results, histograms, output, analysis, pictures)


def _merged(
    results: Iterable[SegmentResult],
) -> tuple[list[SegmentResult], dict[str, Any]]:
    """Add histograms as they come; what is kept of each segment is without them."""
    kept: list[SegmentResult] = []

    def noted() -> Iterator[SegmentResult]:
        for result in results:
            kept.append(replace(result, histograms={}))
            yield result

    histograms = merge(noted())
    return kept, histograms


def _write(
    results: Sequence[SegmentResult],
    histograms: Mapping[str, Any],
    output: Path,
    analysis: str,
    pictures: bool,
) -> RunResult:
    runs = sorted({r.run for r in results if r.run is not None})
    if len(runs) > 1:
        raise DataRunError(f"segments of runs {', '.join(map(str, runs))}; analyse one at a time")
    run = runs[0] if runs else None
    stem = f"run-{run:04d}" if run is not None else "run"
    try:
        output.mkdir(parents=True, exist_ok=True)
        target = output / f"{stem}-sorted.root"
        events, hits = sum(r.events for r in results), sum(r.hits for r in results)
        facts: dict[str, Any] = {
            "run": run,
            "analysis": analysis.rpartition("/")[2],
            "title": _first(results, "title"),
            "begin": _first(results, "begin"),
            "end": max((r.facts["end"] for r in results if r.facts.get("end")), default=None),
            "events": events,
            "hits": hits,
            "segments": [
                {"file": r.name, "segment": r.segment, "events": r.events, "hits": r.hits}
                for r in results
            ],
            "histograms": {n: _entries(h) for n, h in histograms.items()},
        }
        _write_root(target, histograms, facts)
        drawn: tuple[Path, ...] = ()
        if pictures:
            from headrace.datarun.analysis.figures import draw

            drawn = draw(histograms, output / f"{stem}-pictures", stem)
        facts["pictures"] = [p.relative_to(output).as_posix() for p in drawn]
        summary = output / f"{stem}-summary.json"
        write_whole(summary, json.dumps(facts, indent=1) + "\n")
    except OSError as error:
        raise DataRunError(
            f"{output}: cannot be written: {error.strerror or error}; "
            "check the directory and the free space"
        ) from error
    return RunResult(run, target, summary, drawn, events, hits)


def _first(results: Sequence[SegmentResult], fact: str) -> Any:
    """Return the value in the first segment that states a fact.

    Its begin and its end stand in one each.
    """
    return next((r.facts[fact] for r in results if r.facts.get(fact) is not None), None)


def _entries(histogram: Any) -> float:
    total = histogram.sum(flow=True)
    return float(getattr(total, "value", getattr(total, "count", total)))


def _write_root(target: Path, histograms: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    with (
        atomic_files(target) as [written],
        constant_times(),
        uproot.recreate(written, uuid_function=file_uuid(target.name)) as file,
    ):
        for name, histogram in histograms.items():
            try:
                file[name] = histogram
            except (TypeError, ValueError, NotImplementedError) as error:
                raise AnalysisError(
                    f"histogram {name} cannot be written to ROOT ({error}); "
                    "use regular or variable axes, at most three"
                ) from error
        file["metadata"] = json.dumps(facts, sort_keys=True)
