"""Starts of the double fits, in rounds: the jobs of one follow from the results of those before.

What leads from round to round is not compiled: that would compile again all that it calls.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.fit.basis import LOGISTIC
from headrace.datarun.fit.batch import BATCH_TRACES, Batch
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.grid import grid_search
from headrace.datarun.fit.guess import guess_edges, guess_pulse, guess_residual, guess_split
from headrace.datarun.fit.lanes import WIDTH
from headrace.datarun.fit.probes import FOUND, PROBES, find_residual_pulses
from headrace.datarun.fit.quality import FitTable, describe_all, load_fits, subtract
from headrace.datarun.fit.solver import Jobs, add_job, minimise
from headrace.datarun.fit.workspace import Workspace

DOUBLE_ITERATIONS = 200
"""Most iterations of a double fit, as in the reference."""

JOBS_PER_TRACE = 1 + FOUND
"""Most jobs that a trace has in one round."""


_SUSPICIOUS, _NOISE = 1.8, 1.5
_NO_ITERATIONS, _TRIAL_ITERATIONS = 0, 6
_OTHER_ITERATIONS = DOUBLE_ITERATIONS - _TRIAL_ITERATIONS
_MAX_STEEPNESS = 5.0
_IMPROVEMENT = 1.0 - 1e-9
_PROBES = np.array(PROBES)


class Starts(NamedTuple):
    """Starts of the double fits of a batch.

    Attributes:
        guesses: the single fit and its greatest residual, and the two steepest edges, shape
            (traces, 2, 6).
        decay: of the reference's guess of one pulse.
        first: which of the two guesses is nearer to the trace.
        suspicious: whether the best fit so far leaves more than noise, or is no two pulses.
        changed: whether a round has found a better fit.
    """

    guesses: Any
    decay: Any
    first: Any
    suspicious: Any
    changed: Any


def make_starts() -> Starts:
    """Make room for the starts of a batch."""
    return Starts(
        np.zeros((BATCH_TRACES, 2, 6)),
        np.zeros(BATCH_TRACES),
        np.zeros(BATCH_TRACES, np.int64),
        np.zeros(BATCH_TRACES, np.bool_),
        np.zeros(BATCH_TRACES, np.bool_),
    )


@kernel
def keep_better(jobs: Jobs, table: FitTable, changed: Any) -> None:
    """Put results of jobs into a table where they are better than what is there, and forget them.

    Args:
        jobs: done.
        table: of the fits; values are infinite where there is none.
        changed: receives which traces have a better fit now.
    """
    for number in range(jobs.count[0]):
        trace = jobs.trace[number]
        if jobs.value[number] < table.value[trace] * _IMPROVEMENT:
            for i in range(6):
                table.q[trace, i] = jobs.q[number, i]
            for i in range(3):
                table.linear[trace, i] = jobs.linear[number, i]
            table.value[trace] = jobs.value[number]
            table.iterations[trace] = jobs.iterations[number]
            table.status[trace] = jobs.status[number]
            changed[trace] = True
    jobs.count[0] = 0


@kernel
def _is_implausible(q: Any, linear: Any) -> Any:
    """Return whether two pulses are such as no two real ones are.

    A start led to the wrong minimum.
    """
    odd = linear[0] <= 0.0 or linear[1] <= 0.0 or abs(q[0] - q[3]) < 1.0
    return odd or min(q[2], q[5]) <= 0.0 or max(q[1], q[4]) > _MAX_STEEPNESS


@kernel
def _choose_changed(single: FitTable, starts: Starts, traces: Any, count: Any, chosen: Any) -> Any:
    """Choose the traces with another fit than before, but not those with noise; return how many."""
    number = 0
    for k in range(count):
        trace = traces[k]
        if starts.changed[trace] and single.whiteness[trace] < _NOISE:
            chosen[number] = trace
            number += 1
        starts.changed[trace] = False
    return number


@kernel
def _suspect(double: FitTable, starts: Starts, traces: Any, count: Any) -> None:
    """Find out which fits leave more than noise, or are no two pulses."""
    for k in range(count):
        trace = traces[k]
        wrong = _is_implausible(double.q[trace], double.linear[trace])
        starts.suspicious[trace] = wrong or double.whiteness[trace] < _SUSPICIOUS


@kernel
def _add_guesses(
    batch: Batch, single: FitTable, starts: Starts, jobs: Jobs, traces: Any, count: Any
) -> None:
    """Make both first guesses of each trace, and jobs that compute their sums of squares."""
    shape = np.zeros(3)
    for k in range(count):
        trace = traces[k]
        guess_pulse(batch, trace, shape)
        starts.decay[trace] = shape[2]
        guess_residual(single.q[trace], single.peak[trace], starts.guesses[trace, 0])
        guess_edges(batch, trace, shape[2], starts.guesses[trace, 1])
        for guess in range(2):
            add_job(jobs, trace, _NO_ITERATIONS, starts.guesses[trace, guess])


@kernel
def _add_first_starts(
    single: FitTable, starts: Starts, jobs: Jobs, traces: Any, count: Any, noise: Any
) -> Any:
    """Start at the guess that is nearer to the trace, for a few iterations where there is noise.

    Args:
        single: the single fits.
        starts: the guesses.
        jobs: the guesses' sums of squares; receives the jobs.
        traces: numbers of the traces.
        count: how many.
        noise: receives the numbers of those whose single fit leaves noise.

    Returns:
        How many these are.
    """
    for k in range(count):
        starts.first[traces[k]] = 0 if jobs.value[2 * k] <= jobs.value[2 * k + 1] else 1
    jobs.count[0] = 0
    noises = 0
    for k in range(count):
        trace = traces[k]
        limit = DOUBLE_ITERATIONS
        if single.whiteness[trace] >= _NOISE:
            limit = _TRIAL_ITERATIONS
            noise[noises] = trace
            noises += 1
        add_job(jobs, trace, limit, starts.guesses[trace, starts.first[trace]])
        starts.changed[trace] = starts.suspicious[trace] = False
    return noises


@kernel
def _go_on(double: FitTable, jobs: Jobs, traces: Any, count: Any) -> None:
    """Let the best start of a few iterations go on."""
    for k in range(count):
        trace = traces[k]
        if np.isfinite(double.value[trace]):
            add_job(jobs, trace, _OTHER_ITERATIONS, double.q[trace])


@kernel
def _keep_ends(double: FitTable, jobs: Jobs) -> None:
    """Keep how searches ended that went on, also if they found nothing better any more."""
    for number in range(jobs.count[0]):
        trace = jobs.trace[number]
        jobs.iterations[number] += double.iterations[trace]
        double.status[trace] = jobs.status[number]
        double.iterations[trace] = jobs.iterations[number]


@kernel
def _add_exchanged(single: FitTable, double: FitTable, jobs: Jobs, traces: Any, count: Any) -> None:
    """Start at the result with its decays exchanged, which often is a second minimum close by."""
    start = np.zeros(6)
    for k in range(count):
        trace = traces[k]
        q = double.q[trace]
        if single.whiteness[trace] < _NOISE and abs(q[0] - q[3]) >= 1.0:
            for i in range(6):
                start[i] = q[i]
            start[2], start[5] = q[5], q[2]
            add_job(jobs, trace, DOUBLE_ITERATIONS, start)


@kernel
def _add_probes(
    work: Any,
    batch: Batch,
    single: FitTable,
    jobs: Jobs,
    traces: Any,
    count: Any,
    size: Any,
) -> None:
    """Start at the single fit and a short pulse where its residuals resemble one most."""
    start = np.zeros(6)
    for first in range(0, count, WIDTH):
        load_fits(work, batch, single, traces, first, count, size)
        subtract(work, LOGISTIC, 1, size, 1)
        find_residual_pulses(work, size)
        for lane in range(min(WIDTH, count - first)):
            trace = traces[first + lane]
            for k in range(FOUND):
                if work.found[k, 0, lane] > 0.0:
                    for i in range(3):
                        start[i] = single.q[trace, i]
                    probe = np.int64(work.found[k, 2, lane])
                    start[3] = work.found[k, 1, lane]
                    start[4], start[5] = _PROBES[probe, 0], _PROBES[probe, 1]
                    add_job(jobs, trace, _TRIAL_ITERATIONS, start)


@kernel
def _add_attempts(
    work: Any,
    batch: Batch,
    single: FitTable,
    starts: Starts,
    jobs: Jobs,
    traces: Any,
    count: Any,
    attempt: Any,
    size: Any,
) -> None:
    """Start suspicious traces again: at the other guess, on a grid, at one pulse split in two."""
    start = np.zeros(6)
    shape = np.zeros(3)
    unused = np.zeros(3)
    for k in range(count):
        trace = traces[k]
        if not starts.suspicious[trace]:
            continue
        if attempt == 1:
            add_job(jobs, trace, DOUBLE_ITERATIONS, starts.guesses[trace, 1 - starts.first[trace]])
        elif attempt < 4:
            shape[1] = starts.guesses[trace, 1, 1] * (2.0 if attempt == 2 else 1.0)
            shape[2] = starts.decay[trace] if attempt == 2 else 2.0 / batch.length[trace]
            start[0] = -1.0
            grid_search(work, LOGISTIC, batch, trace, size, shape, unused, start)
            if start[0] >= 0.0:
                add_job(jobs, trace, DOUBLE_ITERATIONS, start)
        else:
            guess_split(single.q[trace], start)
            add_job(jobs, trace, DOUBLE_ITERATIONS, start)


def fit_two_pulses(
    work: Workspace,
    batch: Batch,
    single: FitTable,
    double: FitTable,
    starts: Starts,
    jobs: Jobs,
    traces: NDArray[np.int64],
    count: int,
    size: int,
) -> None:
    """Fit two logistic pulses from as many starts as each trace needs.

    The first start is the better one of two: the single fit and its largest residual, and the
    two steepest edges. Where the single fit leaves noise, some short pulses are tried for a few
    iterations besides, and the best start goes on. Elsewhere, if what is found leaves more than
    noise or its pulses are odd, the other guess is tried too, then the best pairs of a grid and
    the single pulse split in two; at last the result with its decays exchanged, which often is a
    second minimum close by.

    Args:
        work: the workspace.
        batch: the traces.
        single: their single fits, described.
        double: receives the double fits.
        starts: room for the starts.
        jobs: room for four jobs a trace.
        traces: numbers of the traces to fit.
        count: how many there are.
        size: samples of a row, padded.
    """
    pulses = 2
    _add_guesses(batch, single, starts, jobs, traces, count)
    minimise(work, LOGISTIC, pulses, size, batch, jobs)
    noise = np.empty(count, np.int64)
    noises = _add_first_starts(single, starts, jobs, traces, count, noise)
    _add_probes(work, batch, single, jobs, noise, noises, size)
    minimise(work, LOGISTIC, pulses, size, batch, jobs)
    keep_better(jobs, double, starts.changed)
    _go_on(double, jobs, noise, noises)
    minimise(work, LOGISTIC, pulses, size, batch, jobs)
    _keep_ends(double, jobs)
    keep_better(jobs, double, starts.changed)
    if noises < count:
        chosen = np.empty(count, np.int64)
        for attempt in range(1, 5):
            number = _choose_changed(single, starts, traces, count, chosen)
            describe_all(work, LOGISTIC, pulses, batch, double, chosen, number, size)
            _suspect(double, starts, chosen, number)
            _add_attempts(work, batch, single, starts, jobs, traces, count, attempt, size)
            minimise(work, LOGISTIC, pulses, size, batch, jobs)
            keep_better(jobs, double, starts.changed)
        _add_exchanged(single, double, jobs, traces, count)
        minimise(work, LOGISTIC, pulses, size, batch, jobs)
        keep_better(jobs, double, starts.changed)
