"""Fits of many traces at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.errors import DataRunError
from headrace.datarun.events.batch import HitBatch
from headrace.datarun.extension import EXTENSION, no_extensions, null_extensions
from headrace.datarun.fit.basis import LOGISTIC, TEMPLATE
from headrace.datarun.fit.channels import Channel, Channels, Template
from headrace.datarun.fit.compile_once import compile_once, is_compiled
from headrace.datarun.fit.compiled import cache_directory, cache_version
from headrace.datarun.fit.engine import fit_many, make_memory
from headrace.datarun.fit.records import ALWAYS, IF_NEEDED, SINGLE_ONLY
from headrace.datarun.fit.solver import minimise
from headrace.datarun.fit.workspace import Workspace, workspace

Engine = Literal["lm", "template"]
"""``lm`` fits the logistic pulse, ``template`` each channel's template."""

Double = Literal["always", "if-needed", "never"]
"""Conditions for the double fit. ``if-needed`` leaves it out where the residuals of the single fit
are noise: von Neumann's ratio within two standard deviations below 2, none beyond five sigma."""

_WHEN = {"always": ALWAYS, "if-needed": IF_NEEDED, "never": SINGLE_ONLY}
_NO_COVARIANCE = (np.empty((0, 5, 5)), np.empty((0, 9, 9)))


@dataclass(frozen=True)
class FitOptions:
    """Options of a fit.

    Attributes:
        engine: which pulses.
        double: when the double fit is made.
    """

    engine: Engine = "lm"
    double: Double = "always"


@dataclass(frozen=True)
class Fits:
    """The fits of some traces.

    Attributes:
        records: `EXTENSION` records, shape (traces,).
        single_covariance: of position, amplitude, steepness, decay and offset of the single fit,
            shape (traces, 5, 5); not a number where it is undefined. A template has no steepness
            and decay: there it is (traces, 3, 3), and the double fit's (traces, 5, 5). Empty
            unless asked for.
        double_covariance: of both pulses' parameters and the offset, shape (traces, 9, 9).
    """

    records: NDArray[np.void]
    single_covariance: NDArray[np.float64]
    double_covariance: NDArray[np.float64]

    @property
    def single_errors(self) -> NDArray[np.float64]:
        """Standard deviations of the single fit's parameters, shape (traces, parameters)."""
        return _errors(self.single_covariance)

    @property
    def double_errors(self) -> NDArray[np.float64]:
        """Standard deviations of the double fit's parameters, shape (traces, parameters)."""
        return _errors(self.double_covariance)


def _errors(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)))


def fit_traces(
    traces: NDArray[np.uint16],
    start: NDArray[np.int64] | None = None,
    *,
    low: int = 0,
    high: int | None = None,
    saturation: float = np.inf,
    template: Template | None = None,
    double: Double = "always",
    covariance: bool = False,
) -> Fits:
    """Fit every trace with one pulse and with two.

    Args:
        traces: samples in ADC units, either all traces one after the other or, without
            ``start``, a matrix of shape (traces, samples).
        start: where each trace starts, one number more than traces.
        low: first sample of the fit.
        high: last sample of the fit; None takes the last of the trace.
        saturation: samples from this value on are left out.
        template: fits this instead of the logistic pulse.
        double: when the double fit is made.
        covariance: whether to give the parameters' covariance, from the residuals' variance.

    Returns:
        The fits, in the order of the traces. An empty trace gives zeros, one with fewer points
        than parameters the status `FAILED`.

    Raises:
        ValueError: ``start`` does not fit the traces, or ``low`` is negative or above ``high``.
    """
    if start is None:
        if traces.ndim != 2:
            raise ValueError("traces without start must be a matrix of shape (traces, samples)")
        start = np.arange(traces.shape[0] + 1, dtype=np.int64) * traces.shape[1]
    flat = np.ascontiguousarray(traces).reshape(-1)
    if len(start) < 1 or start[0] < 0 or start[-1] > len(flat) or np.any(np.diff(start) < 0):
        raise ValueError(f"trace starts must ascend from 0 to the {len(flat)} samples there are")
    last = np.iinfo(np.int64).max >> 1 if high is None else high
    if not 0 <= low <= last:
        raise ValueError(f"a fit from sample {low} to {high}; choose 0 <= low <= high")
    count = len(start) - 1
    records = no_extensions(count)
    kind = LOGISTIC if template is None else TEMPLATE
    covariances = _NO_COVARIANCE
    if covariance:
        size = 1 + kind
        covariances = (
            np.full((count, size + 1, size + 1), np.nan),
            np.full((count, 2 * size + 1, 2 * size + 1), np.nan),
        )
    longest = int(np.diff(start).max(initial=1))
    work = _workspace(min(longest, last + 1), template)
    chosen = np.arange(count, dtype=np.int64)
    _fit(work, kind, flat, start, chosen, (low, last, saturation), double, records, covariances)
    return Fits(records, *covariances)


def fit_batch(
    batch: HitBatch, channels: Channels, options: FitOptions | None = None
) -> NDArray[np.void]:
    """Fit the traces of a batch of events as a list of channels says.

    Args:
        batch: the events.
        channels: which channels are fitted, and how.
        options: engine, and when the double fit is made.

    Returns:
        `EXTENSION` records, one a hit: null ones (four bytes) for channels that are not listed.

    Raises:
        DataRunError: the engine is ``template`` and a channel has none.
    """
    options = options or FitOptions()
    check_engine(channels, options.engine)
    records = null_extensions(len(batch.hits))
    kind = TEMPLATE if options.engine == "template" else LOGISTIC
    listed = channels.indices(batch.hits)
    order = np.argsort(listed, kind="stable")
    bounds = np.searchsorted(listed[order], np.arange(len(channels.channels) + 1))
    for number, channel in enumerate(channels.channels):
        chosen = order[bounds[number] : bounds[number + 1]]
        if not len(chosen):
            continue
        longest = int(batch.hits["trace_length"][chosen].max())
        template = channel.template if options.engine == "template" else None
        work = _workspace(min(longest, channel.high + 1), template)
        limits = (channel.low, channel.high, channel.saturation)
        _fit(
            work,
            kind,
            batch.traces,
            batch.trace_start,
            chosen,
            limits,
            options.double,
            records,
            _NO_COVARIANCE,
        )
    return records


def compile_fits() -> None:
    """Compile what fits traces, unless that was done on this machine before.

    Of several processes that ask at once, one compiles. What was compiled before is not loaded:
    that each process does when it fits, all at the same time.
    """

    def fit_all_ways() -> None:
        traces = np.zeros((2, 64), np.uint16)
        traces[1, 20:40], traces[1, 40:] = 500, 900  # no noise is left, but a wrong fit
        for template in (None, Template(10.0, np.arange(20.0))):
            fit_traces(traces, template=template)

    cache, version = cache_directory(minimise), cache_version()
    if not is_compiled(cache, version):
        compile_once(fit_all_ways, cache, version)


def check_engine(channels: Channels, engine: Engine) -> None:
    """Make sure that every channel has what an engine needs.

    Raises:
        DataRunError: the engine is ``template`` and a channel has none.
    """
    if engine != "template":
        return
    for channel in channels.channels:
        if channel.template is None:
            raise DataRunError(
                f"{channels.path}, line {channel.line}: {_name(channel)} has no template; "
                "name its file in the last column, or fit with --engine lm"
            )


def _name(channel: Channel) -> str:
    return f"crate {channel.crate} slot {channel.slot} channel {channel.channel}"


def _workspace(samples: int, template: Template | None) -> Workspace:
    if template is None:
        return workspace(samples)
    return workspace(samples, template.samples, template.align)


def _fit(
    work: Workspace,
    kind: int,
    traces: NDArray[np.uint16],
    start: NDArray[np.int64],
    chosen: NDArray[np.int64],
    limits: tuple[int, int, float],
    double: Double,
    records: NDArray[np.void],
    covariances: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    low, high, saturation = limits
    values = records.view(np.float64).reshape(len(records), EXTENSION.itemsize // 8)
    words = records.view(np.uint32).reshape(len(records), EXTENSION.itemsize // 4)
    memory = make_memory(work, traces, float(saturation))
    when = _WHEN[double]
    fit_many(memory, kind, start, chosen, (low, high), when, (values, words), covariances)
