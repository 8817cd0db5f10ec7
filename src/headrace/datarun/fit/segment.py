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
from headrace.datarun.extension import NULL, WHOLE, is_fitted, null_extensions
from headrace.datarun.fit.channels import Channels, read_channels
from headrace.datarun.fit.collective import Node, all_do, find_node, gathered, some_do
from headrace.datarun.fit.progress import Progress
from headrace.datarun.fit.storage import Storage, write_at
from headrace.datarun.fit.traces import FitOptions, check_engine, compile_fits, fit_batch
from headrace.ranks import Ranks

Report = Callable[[dict[str, Any]], None]

_LISTED = 20
_SMALLEST_PIECE, _LARGEST_PIECE = 1 << 16, 1 << 23
_PIECES_EACH = 32


@dataclass(frozen=True)
class FitRequest:
    """What to fit.

    Attributes:
        source: the segment.
        target: the fitted segment; what it held before is replaced when the new one is whole.
        channels: the list of channels.
        options: engine, and when the double fit is made.
        on_corrupt: whether places that cannot be read are errors, or left as they are.
        sources: ids of the digitisers' sources; None finds them in the segment.
        staging: directory on the nodes' own disks; None works on the files where they are.
        progress: file that tells how far it is; None for none.
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
    """What was fitted.

    Attributes:
        items: ring items of the output.
        events: physics events among them.
        hits: hits in these.
        fitted: hits of listed channels.
        converged: single fits that converged.
        double_pulses: hits where two pulses are the likelier model.
        problems: how many places of the segment could not be read.
        first_problems: the first of them, in words.
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
class _Tally:
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
        room = _LISTED - len(self.problems)
        self.problems += [(p.offset, str(p)) for p in batch.problems[:room]]
        self.seconds += seconds


def fit_segment(request: FitRequest, ranks: Ranks, report: Report | None = None) -> FitSummary:
    """Fits a segment.

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
    _introduce(ranks, report)
    leads = ranks.rank == 0
    storage = Storage(request.source, request.target, request.staging, node)
    channels = ranks.broadcast(some_do(ranks, leads, lambda: _channels(request)))
    some_do(ranks, leads, storage.prepare)
    with Progress(request.progress if leads else None, request.source, request.target) as progress:
        try:
            some_do(ranks, leads, progress.start)
            progress.tell("staging")
            some_do(ranks, node.leads, storage.fetch)
            progress.tell("compiling")
            some_do(ranks, node.leads, compile_fits)  # once a machine, not once a rank
            progress.tell("index")
            file = all_do(
                ranks, lambda: EventFile(storage.readable, request.on_corrupt, request.sources)
            )
            fitting = _Fitting(request, ranks, node, storage, channels, progress, file)
            tallies = fitting.run()
        finally:
            # After an error too no rank writes any more: all have left `some_do`.
            if node.leads:
                storage.clear(everything=leads)
    return _summary(file, tallies, fitting.bytes, ranks, node, started)


def _channels(request: FitRequest) -> Channels:
    channels = read_channels(request.channels)
    check_engine(channels, request.options.engine)
    return channels


def _introduce(ranks: Ranks, report: Report | None) -> None:
    """Tell who works on it, by rank 0."""
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


class _Fitting:
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
        self._own = _own(self._pieces, node, ranks.size)
        self._ends = np.zeros(len(self._pieces), np.int64)

    @property
    def bytes(self) -> int:
        """Length of the output."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def run(self) -> list[_Tally]:
        """Fits all pieces and put the output in its place; what each rank has counted."""
        ranks, node, storage = self._ranks, self._node, self._storage
        hits = 0
        sizes = np.zeros(len(self._pieces), np.int64)
        for lengths, count in gathered(ranks, all_do(ranks, self._measure)):
            hits += count
            for number, length in lengths:
                sizes[number] = length
        self._ends = np.cumsum(sizes)
        self._progress.expect(hits)
        some_do(ranks, node.leads, lambda: storage.make(self.bytes))
        tally = all_do(ranks, self._fit)
        if self._request.progress is not None:
            self._progress.wait_for(ranks, len(self._pieces) - len(self._own))
        self._progress.tell("writing")
        shares = gathered(ranks, (node.number, [self._share(piece) for piece in self._own]))
        ours = sorted(share for number, part in shares if number == node.number for share in part)
        for turn in range(node.nodes):
            turns = node.leads and node.number == turn
            some_do(ranks, turns, lambda: storage.collect(ours, self.bytes))
        some_do(ranks, ranks.rank == 0, storage.finish)
        return gathered(ranks, tally)

    def _share(self, piece: _Piece) -> tuple[int, int]:
        """Return where a piece stands in the output."""
        first = int(self._ends[piece.number - 1]) if piece.number else 0
        return first, int(self._ends[piece.number])

    def _measure(self) -> tuple[list[tuple[int, int]], int]:
        """Return how long each piece becomes, and how many hits they have."""
        lengths, hits = [], 0
        for piece in self._own:
            batch = self._file.read(piece.first, piece.last)
            sizes = null_extensions(len(batch.hits))
            listed = self._channels.lines(batch.hits) < len(self._channels.channels)
            sizes["size"] = np.where(listed, WHOLE, NULL)
            length = int(extended_sizes(self._file, batch, sizes).sum())
            lengths.append((piece.number, length))
            hits += len(batch.hits)
        return lengths, hits

    def _fit(self) -> _Tally:
        """Fits this rank's pieces and write them."""
        tally = _Tally()
        descriptor = os.open(self._storage.growing, os.O_WRONLY)
        try:
            for piece in self._own:
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
    size = min(max(total // (ranks * _PIECES_EACH), _SMALLEST_PIECE), _LARGEST_PIECE)
    cuts = np.searchsorted(ends, np.arange(size, total, size), side="left")
    bounds = np.unique(np.concatenate([[0], cuts, [len(ends)]])).tolist()
    return [_Piece(k, first, last) for k, (first, last) in enumerate(pairwise(bounds))]


def _own(pieces: list[_Piece], node: Node, ranks: int) -> list[_Piece]:
    """Return a machine takes a stretch of the file, and its ranks the pieces of that in turn."""
    first = len(pieces) * node.before // ranks
    last = len(pieces) * (node.before + node.ranks) // ranks
    return pieces[first:last][node.place :: node.ranks]


def _summary(
    file: EventFile, tallies: list[_Tally], total: int, ranks: Ranks, node: Node, started: float
) -> FitSummary:
    problems = [(problem.offset, str(problem)) for problem in file.problems[:_LISTED]]
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
        first_problems=tuple(text for _, text in sorted(problems)[:_LISTED]),
        other_payloads={str(source): count for source, count in sorted(others.items())},
        bytes=total,
        fit_seconds=round(sum(tally.seconds for tally in tallies), 3),
        seconds=round(time.monotonic() - started, 3),
        ranks=ranks.size,
        nodes=node.nodes,
    )
