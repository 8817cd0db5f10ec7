"""Misfit windows: where observed and synthetic are alike enough to be compared."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.waveforms import Samples


@dataclass(frozen=True)
class Window:
    """One misfit window.

    Attributes:
        first: first sample of it.
        last: last sample of it.
        shift: samples by which the observed trace is later, from the cross-correlation.
        cc: normalised cross-correlation at that shift.
        dlna: logarithmic amplitude ratio, ln(observed / synthetic).
    """

    first: int
    last: int
    shift: int
    cc: float
    dlna: float

    def seconds(self, dt: float) -> tuple[float, float]:
        """Borders after the first sample of the trace, s."""
        return self.first * dt, self.last * dt


def select_windows(
    observed: Samples, synthetic: Samples, dt: float, config: ProcessingConfig
) -> tuple[Window, ...]:
    """Select the windows of a filtered pair with pyflex.

    No travel times are used: windows are looked for in the whole record.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        dt: sampling interval, s.
        config: period band and window settings.

    Returns:
        The windows by rising time; none is a valid answer.

    Source:
        Maggi et al., An automated time-window selection algorithm for seismic tomography,
        Geophys. J. Int. 178, 257-281, 2009.
    """
    # pyflex takes most of a second to import, which a program that only shows its help need not.
    from headrace.seismic.selector import select

    return tuple(
        Window(
            first=int(found.left),
            last=int(found.right),
            shift=int(found.cc_shift),
            cc=float(found.max_cc_value),
            dlna=float(found.dlnA),
        )
        for found in sorted(select(observed, synthetic, dt, config), key=lambda w: w.left)
    )
