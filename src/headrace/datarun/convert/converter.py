"""One segment's event file made into a ROOT file and, if wanted, a Parquet file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import headrace
from headrace.datarun.convert.columns import event_columns
from headrace.datarun.convert.parquet_file import ParquetFile
from headrace.datarun.convert.root_file import Compression, RootFile
from headrace.datarun.errors import DataRunError
from headrace.datarun.events.batch import HitBatch
from headrace.datarun.events.layout import ItemType
from headrace.datarun.events.problems import OnCorrupt
from headrace.datarun.events.reader import EventFile
from headrace.datarun.extension import is_fitted
from headrace.datarun.reproducible_root import atomic_files, constant_times

_MAX_LISTED = 20
_NAME = re.compile(r"run-?(\d+)-(\d+)")


@dataclass(frozen=True)
class ConvertOptions:
    """Options of a conversion.

    Attributes:
        traces: whether to take the traces, as a branch with all samples of an event.
        skip: events to leave out at the start.
        count: events to take after those; None takes all.
        on_corrupt: whether places that cannot be read are errors or left out.
        compression: of the ROOT file.
        sources: ids of the digitisers' sources; None finds them in the file.
        batch: bytes of the event file that are read at a time.
    """

    traces: bool = False
    skip: int = 0
    count: int | None = None
    on_corrupt: OnCorrupt = "refuse"
    compression: Compression = "zstd"
    sources: tuple[int, ...] | None = None
    batch: int = 1 << 26


@dataclass(frozen=True)
class ConvertSummary:
    """Summary of a conversion.

    Attributes:
        events: entries of the tree.
        hits: hits in them.
        fitted: hits that carry fits.
        problems: how many places of the event file could not be read.
        first_problems: the first of them, in words.
        other_payloads: source id to payloads of its events that are another detector's.
    """

    events: int
    hits: int
    fitted: int
    problems: int
    first_problems: tuple[str, ...]
    other_payloads: dict[str, int]


def convert(
    source: Path,
    target: Path,
    options: ConvertOptions | None = None,
    parquet: Path | None = None,
) -> ConvertSummary:
    """Convert an event file.

    Files appear under their names only when they are whole; missing directories are made. The same
    event file and options give the same bytes.

    Args:
        source: the event file.
        target: the ROOT file.
        options: how.
        parquet: a Parquet file to write as well.

    Returns:
        What was converted.

    Raises:
        DataRunError: a file cannot be read or written, or a place is corrupt and refused.
    """
    options = options or ConvertOptions()
    targets = [target] if parquet is None else [target, parquet]
    file = EventFile(source, options.on_corrupt, options.sources)
    try:
        with atomic_files(*targets) as written:
            summary = _write(file, written, options)
    except OSError as error:
        raise DataRunError(
            f"{target}: cannot be written: {error.strerror or error}; "
            "check the directory and the free space"
        ) from error
    return summary


def _write(file: EventFile, targets: Sequence[Path], options: ConvertOptions) -> ConvertSummary:
    with constant_times(), ExitStack() as stack:
        sinks: list[RootFile | ParquetFile] = [
            stack.enter_context(RootFile(targets[0], options.compression))
        ]
        sinks += [stack.enter_context(ParquetFile(path)) for path in targets[1:]]
        summary = _fill(file, sinks, options)
        facts = run_facts(file) | asdict(summary)
        for sink in sinks:
            sink.describe(facts)
    return summary


def _fill(
    file: EventFile, sinks: list[RootFile | ParquetFile], options: ConvertOptions
) -> ConvertSummary:
    events = hits = fitted = flawed = 0
    others: Counter[int] = Counter()
    first_problems = [str(problem) for problem in file.problems[:_MAX_LISTED]]
    for batch in _batches(file, options):
        columns = event_columns(file, batch, options.traces)
        for sink in sinks:
            sink.write(columns)
        events += batch.events
        hits += len(batch.hits)
        fitted += int(is_fitted(batch.extensions).sum())
        flawed += len(batch.problems)
        others.update(batch.other_payloads)
        first_problems += [str(problem) for problem in batch.problems[:_MAX_LISTED]]
        del first_problems[_MAX_LISTED:]
    problems = len(file.problems) + flawed
    counted = {str(source): count for source, count in sorted(others.items())}
    return ConvertSummary(events, hits, fitted, problems, tuple(first_problems), counted)


def _batches(file: EventFile, options: ConvertOptions) -> Iterator[HitBatch]:
    """Return the events that are wanted.

    At least one batch, which gives the branches their types.
    """
    stop = None if options.count is None else options.skip + options.count
    chosen = file.numbers(ItemType.PHYSICS_EVENT)[options.skip : stop]
    if not len(chosen):
        return iter([file.read(0, 0)])
    return file.batches(int(chosen[0]), int(chosen[-1]) + 1, options.batch)


def run_facts(file: EventFile) -> dict[str, Any]:
    """Return what an event file says of its run.

    Returns:
        ``source`` (file name), ``run`` and ``segment`` (by the begin item, else by the name;
        None if neither says), ``title``, ``begin`` (of the first source) and ``end`` (of the last
        one; unix time, None if not in this segment), ``abnormal_end``, ``seconds`` of run time,
        ``nscldaq`` (version), ``scalers`` (sums of incremental counters by the id of their
        source, "" where they have none), ``headrace`` (version).
    """
    named = _NAME.search(file.path.name)
    changes = file.state_changes
    begins = [change for change in changes if change.type == ItemType.BEGIN_RUN]
    ends = [change for change in changes if change.type == ItemType.END_RUN]
    begin = min(begins, key=lambda change: change.unix_time, default=None)
    end = max(ends, key=lambda change: change.unix_time, default=None)
    either = begin or end
    times = [s.end for s in file.scalers] + [c.seconds for c in file.event_counts]
    return {
        "source": file.path.name,
        "run": either.run if either else int(named[1]) if named else None,
        "segment": int(named[2]) if named else None,
        "title": either.title if either else None,
        "begin": begin.unix_time if begin else None,
        "end": end.unix_time if end else None,
        "abnormal_end": file.abnormal_end,
        "seconds": end.seconds if end else max(times, default=None),
        "nscldaq": file.version[0] if file.version else None,
        "scalers": _scaler_sums(file),
        "headrace": headrace.__version__,
    }


def _scaler_sums(file: EventFile) -> dict[str, list[int]]:
    """Add up incremental counters, each source's on its own."""
    sums: dict[str, list[int]] = {}
    for scalers in file.scalers:
        if not scalers.incremental:
            continue
        counted = sums.setdefault("" if scalers.source is None else str(scalers.source), [])
        counted += [0] * (len(scalers.values) - len(counted))
        for number, value in enumerate(scalers.values):
            counted[number] += value
    return dict(sorted(sums.items()))
