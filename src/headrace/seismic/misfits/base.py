"""Interface of a misfit function: measure a pair of traces in windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from headrace.seismic.checks import Check
from headrace.seismic.config import ProcessingConfig, Setting
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window


@dataclass(frozen=True)
class WindowMeasure:
    """Measurement in one window.

    Attributes:
        misfit: as measured, before the weight.
        shift: time by which the observed trace is later in the tapered window, s; None for
            misfits that measure none.
        weight: factor of the window's misfit in that of the pair.
    """

    misfit: float
    shift: float | None
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Measurement:
    """Misfit and adjoint source of one pair.

    Attributes:
        misfit: weighted sum over the windows.
        adjoint_source: shape ``(npts,)``, forward in time, zero outside the windows (through the
            filter it reaches beyond them); empty if none was asked for.
        windows: one measure per window, in their order.
    """

    misfit: float
    adjoint_source: Samples
    windows: tuple[WindowMeasure, ...]


class Misfit(Protocol):
    """Misfit function and its adjoint source: one value of ``adjoint_source`` in a configuration.

    A class that inherits from it need only define `measure`.

    Attributes:
        settings: keys of ``[measure]`` that it knows, each with its check.
        compares_amplitudes: its misfit depends on the size of the observed trace, so that
            ``normalize_observed`` does not go with it.
        inversion_settings: values in an inversion for keys of ``[measure]`` that its file leaves
            out.
    """

    settings: ClassVar[Mapping[str, Check]] = {}
    compares_amplitudes: ClassVar[bool] = False
    inversion_settings: ClassVar[Mapping[str, Setting]] = {}

    def measure(
        self,
        observed: Samples,
        synthetic: Samples,
        windows: Sequence[Window],
        dt: float,
        config: ProcessingConfig,
    ) -> Measurement:
        """Measure a filtered pair.

        Args:
            observed: filtered samples, shape ``(npts,)``.
            synthetic: filtered samples, same shape.
            windows: at least one, by rising time; no two have a sample in common.
            dt: sampling interval, s.
            config: period band, and settings in ``config.measure``.

        Returns:
            The sum over the windows, each with weight 1, and the derivative of the misfit with
            respect to ``synthetic``, divided by ``dt``. Where ``config.exact_adjoint`` is set,
            the derivative must approximate nothing.

        Raises:
            StationProblem: the pair cannot be measured.
        """
        ...
