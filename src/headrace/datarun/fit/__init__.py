"""Fits of traces: one pulse and two, in every channel that is listed.

::

    channels = read_channels(Path("channels.txt"))
    with EventFile(source) as file, EventWriter(target) as writer:
        for batch in file.batches():
            writer.raw(extend(file, batch, fit_batch(batch, channels)))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.datarun.fit.channels import (
        Channel,
        Channels,
        ChannelsFileError,
        Template,
        read_channels,
        read_template,
    )
    from headrace.datarun.fit.models import Pulse, double_model, fitted_model, maximum, single_model
    from headrace.datarun.fit.segment import FitRequest, FitSummary, fit_segment
    from headrace.datarun.fit.solver import (
        CONVERGED,
        FAILED,
        NO_PROGRESS,
        NOT_ATTEMPTED,
        OUT_OF_ITERATIONS,
    )
    from headrace.datarun.fit.traces import (
        Double,
        Engine,
        FitOptions,
        Fits,
        check_engine,
        fit_batch,
        fit_traces,
    )

__all__ = [
    "CONVERGED",
    "FAILED",
    "NOT_ATTEMPTED",
    "NO_PROGRESS",
    "OUT_OF_ITERATIONS",
    "Channel",
    "Channels",
    "ChannelsFileError",
    "Double",
    "Engine",
    "FitOptions",
    "FitRequest",
    "FitSummary",
    "Fits",
    "Pulse",
    "Template",
    "check_engine",
    "double_model",
    "fit_batch",
    "fit_segment",
    "fit_traces",
    "fitted_model",
    "maximum",
    "read_channels",
    "read_template",
    "single_model",
]

__getattr__ = lazy_names(__name__)
