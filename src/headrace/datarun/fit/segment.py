"""One segment fitted on one or many ranks, with the same bytes for any number of them.

The segment is cut between ring items into pieces. How long a piece becomes follows from the list
of channels alone, so every rank knows where its pieces stand in the output before anything is
fitted, and no rank waits for another: pieces go to the ranks of a machine in turn.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.events.batch import HitBatch
from headrace.datarun.events.extend import extend, extended_sizes
from headrace.datarun.events.problems import OnCorrupt
from headrace.datarun.events.reader import EventFile
from headrace.datarun.extension import COMPLETE, NULL, is_fitted, null_extensions
from headrace.datarun.fit.channels import Channels, read_channels
from headrace.datarun.fit.collective import Node, all_gather, find_node, run_on_all, run_on_some
from headrace.datarun.fit.progress import Progress
from headrace.datarun.fit.storage import Storage, write_at
from headrace.datarun.fit.traces import FitOptions, check_engine, compile_fits, fit_batch
from headrace.ranks import Ranks

Report = Callable[[dict[str, Any]], None]

_MAX_LISTED = 20
_SMALLEST_PIECE, _LARGEST_PIECE = 1 << 16, 1 << 23
_PIECES_PER_RANK = 32


@dataclass(frozen=True)
class FitRequest:
    """Input, output and options of a fit.

    Attributes:
        source: the segment.
        target: the fitted segment; what it held before is replaced when the new one is whole.
        channels: the list of channels.
        options: engine, and when the double fit is made.
        on_corrupt: whether places that cannot be read are errors, or left as they are.
        sources: ids of the digitisers' sources; None finds them in the segment.
        staging: directory on the nodes' own disks; None works on the files where they are.
        progress: file that shows how far it is; None for none.
    """

    source: Path
    target: Path
    channels: Path
    options: FitOptions = field(default_factory=FitOptions)
    on_corrupt: OnCorrupt = "refuse"
    sources: tuple[int, ...] | None = None
    staging: Path | None = None
    progress: Path | None = None


@dataclass(frozen=True)
class FitSummary:
    """Counts and times of a fit.

    Attributes:
        items: ring items of the output.
        events: physics events among them.
        hits: hits in these.
        fitted: hits of listed channels.
        converged: single fits that converged.
        double_pulses: hits where two pulses are the likelier model.
        problems: how many places of the segment could not be read.
        first_problems: the first of them, as text.
        other_payloads: source id to payloads that are another detector's, and stay as they are.
        bytes: of the output.
        fit_seconds: processor time of the fits alone, all ranks.
        seconds: from the start to the end.
        ranks: how many worked on it.
        nodes: on how many machines.
    """

    items: int
    events: int
    hits: int
    fitted: int
    converged: int
    double_pulses: int
    problems: int
    first_problems: tuple[str, ...]
    other_payloads: dict[str, int]
    bytes: int
    fit_seconds: float
    seconds: float
    ranks: int
    nodes: int


@dataclass(frozen=True)
class _Piece:
    number: int
    first: int
    last: int


@dataclass
class _Counts:
    events: int = 0
    hits: int = 0
    fitted: int = 0
    converged: int = 0
    double_pulses: int = 0
    seconds: float = 0.0
    problems: list[tuple[int, str]] = field(default_factory=list)
    flawed: int = 0
    others: Counter[int] = field(default_factory=Counter)

    def count(self, batch: HitBatch, records: NDArray[np.void], seconds: float) -> None:
        done = is_fitted(records)
        self.events += batch.events
        self.hits += len(records)
        self.fitted += int(done.sum())
        self.converged += int((records["single"]["status"][done] == 0).sum())
        self.double_pulses += int((records["p_double"][done] > 0.5).sum())
        self.flawed += len(batch.problems)
        self.others.update(batch.other_payloads)
        remaining = _MAX_LISTED - len(self.problems)
        self.problems += [(p.offset, str(p)) for p in batch.problems[:remaining]]
        self.seconds += seconds


def fit_segment(request: FitRequest, ranks: Ranks, report: Report | None = None) -> FitSummary:
    """Fit a segment.

    Every hit gets an extension as DDASToys 6 writes it; extensions that were there before are
    replaced. All other ring items pass byte for byte. The output appears under its name only when
    it is whole, and is the same for any number of ranks.

    Args:
        request: what to fit.
        ranks: the processes that share the work; each calls this.
        report: is given one fact for every rank when it starts, on rank 0.

    Returns:
        What was fitted, the same on every rank.

    Raises:
        DataRunError: the list of channels or the segment cannot be read, the output cannot be
            written, or a place is corrupt and refused; the same on every rank.
    """
    started = time.monotonic()
    node = find_node(ranks)
    _report_ranks(ranks, report)
    leads = ranks.rank == 0
    storage = Storage(request.source, request.target, request.staging, node)
    channels = ranks.broadcast(run_on_some(ranks, leads, lambda: _channels(request)))
    run_on_some(ranks, leads, storage.prepare)
    with Progress(request.progress if leads else None, request.source, request.target) as progress:
        try:
            run_on_some(ranks, leads, progress.start)
            progress.report("staging")
            run_on_some(ranks, node.is_leader, storage.stage_in)
            progress.report("compiling")
            run_on_some(ranks, node.is_leader, compile_fits)  # once a machine, not once a rank
            progress.report("index")
            file = run_on_all(
                ranks, lambda: EventFile(storage.input_file, request.on_corrupt, request.sources)
            )
            fitting = _SegmentFit(request, ranks, node, storage, channels, progress, file)
            tallies = fitting.run()
        finally:
            # After an error too no rank writes any more: all have left `run_on_some`.
            if node.is_leader:
                storage.remove_temporary(temporary_output=leads)
    return _summary(file, tallies, fitting.bytes, ranks, node, started)


def _channels(request: FitRequest) -> Channels:
    channels = read_channels(request.channels)
    check_engine(channels, request.options.engine)
    return channels


def _report_ranks(ranks: Ranks, report: Report | None) -> None:
    """Report all ranks' processes and hosts, by rank 0."""
    fact = {
        "stage": "start",
        "rank": ranks.rank,
        "size": ranks.size,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "slurm_job_id": os.environ.get("SLURM_JOB_ID"),
    }
    for one in ranks.gather(fact):
        if report is not None:
            report(one)


class _SegmentFit:
    """The fits of a segment's pieces, as one rank makes them."""

    def __init__(
        self,
        request: FitRequest,
        ranks: Ranks,
        node: Node,
        storage: Storage,
        channels: Channels,
        progress: Progress,
        file: EventFile,
    ) -> None:
        self._request = request
        self._ranks = ranks
        self._node = node
        self._storage = storage
        self._channels = channels
        self._progress = progress
        self._file = file
        self._pieces = _pieces(file, ranks.size)
        self._assigned = _assigned_pieces(self._pieces, node, ranks.size)
        self._ends = np.zeros(len(self._pieces), np.int64)

    @property
    def bytes(self) -> int:
        """Length of the output."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def run(self) -> list[_Counts]:
        """Fit all pieces, publish the output, and return the counts of each rank."""
        ranks, node, storage = self._ranks, self._node, self._storage
        hits = 0
        sizes = np.zeros(len(self._pieces), np.int64)
        for lengths, count in all_gather(ranks, run_on_all(ranks, self._measure_output)):
            hits += count
            for number, length in lengths:
                sizes[number] = length
        self._ends = np.cumsum(sizes)
        self._progress.start_fits(hits)
        run_on_some(ranks, node.is_leader, lambda: storage.allocate(self.bytes))
        tally = run_on_all(ranks, self._fit)
        if self._request.progress is not None:
            self._progress.wait_for_pieces(ranks, len(self._pieces) - len(self._assigned))
        self._progress.report("writing")
        shares = all_gather(ranks, (node.number, [self._share(piece) for piece in self._assigned]))
        ours = sorted(share for number, part in shares if number == node.number for share in part)
        for turn in range(node.nodes):
            turns = node.is_leader and node.number == turn
            run_on_some(ranks, turns, lambda: storage.merge_shares(ours, self.bytes))
        run_on_some(ranks, ranks.rank == 0, storage.publish)
        return all_gather(ranks, tally)

    def _share(self, piece: _Piece) -> tuple[int, int]:
        """Return where a piece stands in the output."""
        first = int(self._ends[piece.number - 1]) if piece.number else 0
        return first, int(self._ends[piece.number])

    def _measure_output(self) -> tuple[list[tuple[int, int]], int]:
        """Return how long each piece becomes, and how many hits they have."""
        lengths, hits = [], 0
        for piece in self._assigned:
            batch = self._file.read(piece.first, piece.last)
            sizes = null_extensions(len(batch.hits))
            listed = self._channels.indices(batch.hits) < len(self._channels.channels)
            sizes["size"] = np.where(listed, COMPLETE, NULL)
            length = int(extended_sizes(self._file, batch, sizes).sum())
            lengths.append((piece.number, length))
            hits += len(batch.hits)
        return lengths, hits

    def _fit(self) -> _Counts:
        """Fit this rank's pieces, and write them."""
        tally = _Counts()
        descriptor = os.open(self._storage.node_output, os.O_WRONLY)
        try:
            for piece in self._assigned:
                batch = self._file.read(piece.first, piece.last)
                before = time.process_time()
                records = fit_batch(batch, self._channels, self._request.options)
                tally.count(batch, records, time.process_time() - before)
                first, _ = self._share(piece)
                write_at(descriptor, extend(self._file, batch, records), first)
                if self._request.progress is not None:
                    self._progress.count(self._ranks, len(batch.hits))
        finally:
            os.close(descriptor)
        return tally


def _pieces(file: EventFile, ranks: int) -> list[_Piece]:
    ends = np.cumsum(file.index["size"], dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    size = min(max(total // (ranks * _PIECES_PER_RANK), _SMALLEST_PIECE), _LARGEST_PIECE)
    cuts = np.searchsorted(ends, np.arange(size, total, size), side="left")
    bounds = np.unique(np.concatenate([[0], cuts, [len(ends)]])).tolist()
    return [_Piece(k, first, last) for k, (first, last) in enumerate(pairwise(bounds))]


def _assigned_pieces(pieces: list[_Piece], node: Node, ranks: int) -> list[_Piece]:
    """Return this rank's pieces: a machine takes a stretch of the file, its ranks share it."""
    first = len(pieces) * node.ranks_before // ranks
    last = len(pieces) * (node.ranks_before + node.ranks) // ranks
    return pieces[first:last][node.local_rank :: node.ranks]


def _summary(
    file: EventFile, tallies: list[_Counts], total: int, ranks: Ranks, node: Node, started: float
) -> FitSummary:
    problems = [(problem.offset, str(problem)) for problem in file.problems[:_MAX_LISTED]]
    problems += [problem for tally in tallies for problem in tally.problems]
    others: Counter[int] = Counter()
    for tally in tallies:
        others.update(tally.others)
    return FitSummary(
        items=len(file),
        events=sum(tally.events for tally in tallies),
        hits=sum(tally.hits for tally in tallies),
        fitted=sum(tally.fitted for tally in tallies),
        converged=sum(tally.converged for tally in tallies),
        double_pulses=sum(tally.double_pulses for tally in tallies),
        problems=len(file.problems) + sum(tally.flawed for tally in tallies),
        first_problems=tuple(text for _, text in sorted(problems)[:_MAX_LISTED]),
        other_payloads={str(source): count for source, count in sorted(others.items())},
        bytes=total,
        fit_seconds=round(sum(tally.seconds for tally in tallies), 3),
        seconds=round(time.monotonic() - started, 3),
        ranks=ranks.size,
        nodes=node.nodes,
    )
