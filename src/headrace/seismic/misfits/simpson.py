"""Simpson's rule as weights of samples."""

from __future__ import annotations

import functools

import numpy as np

from headrace.seismic.waveforms.reading import Samples


@functools.lru_cache(maxsize=64)
def simpson_weights(npts: int) -> Samples:
    """Weights of the samples in Simpson's rule, in sampling intervals.

    Args:
        npts: number of samples, at least 2.

    Returns:
        Shape ``(npts,)``, not to be changed. For an even number the last interval has
        Cartwright's correction, as in ``scipy.integrate.simpson``.
    """
    weights = np.zeros(npts)
    if npts == 2:
        weights += 0.5
    else:
        odd = npts - 1 + npts % 2
        weights[:odd] = 2.0 / 3.0
        weights[1:odd:2] = 4.0 / 3.0
        weights[[0, odd - 1]] = 1.0 / 3.0
        if odd < npts:
            weights[-3:] += np.array([-1.0, 8.0, 5.0]) / 12.0
    weights.setflags(write=False)
    return weights
