"""Cross-correlation of two traces of one length: whole, or its largest value to the last bit."""

from __future__ import annotations

import numpy as np

from headrace.seismic.waveforms.reading import Samples

_LONGEST_DIRECT = 512  # samples; below, the direct sums are as fast
_MOST_CANDIDATES = 32
_SMALLEST_ENERGY = 1e-200  # below, products may lose digits as denormal numbers


def full_correlation(data: Samples, model: Samples) -> Samples:
    """Correlate by the Fourier transform.

    Args:
        data: shape ``(n,)``.
        model: same shape.

    Returns:
        Shape ``(2 * n - 1,)``, as ``numpy.correlate(data, model, "full")`` but for rounding: the
        value at ``n - 1 + lag`` is that where ``data`` is ``lag`` samples later.
    """
    from scipy.fft import next_fast_len

    longest = len(data) - 1
    size = next_fast_len(2 * longest + 1, True)
    # numpy's transforms cost less to call than scipy's.
    spectrum = np.fft.rfft(data, size) * np.conj(np.fft.rfft(model, size))
    circular = np.fft.irfft(spectrum, size)
    return np.concatenate([circular[size - longest :], circular[: longest + 1]])


def best_lag(data: Samples, model: Samples) -> int:
    """Find the lag of the largest correlation, as `numpy.correlate` computes it.

    Long traces are correlated by the Fourier transform. The lags at which its rounding can hide
    the largest sum are then computed directly, so that the answer is the same.

    Args:
        data: shape ``(n,)``.
        model: same shape.

    Returns:
        Samples by which ``data`` is later than ``model``; of equal correlations the first.
    """
    longest = len(data) - 1
    candidates = None if len(data) <= _LONGEST_DIRECT else _candidates(data, model)
    if candidates is None:
        return int(np.correlate(data, model, mode="full").argmax()) - longest
    values = [correlation_at(data, model, lag) for lag in candidates]
    return candidates[values.index(max(values))]


def _candidates(data: Samples, model: Samples) -> list[int] | None:
    """Return the lags of the largest correlation within rounding, by rising lag.

    None if they are too many, or rounding is not bounded.
    """
    size = float(np.linalg.norm(data) * np.linalg.norm(model))
    if not np.isfinite(size) or size < _SMALLEST_ENERGY:
        return None
    found = full_correlation(data, model)
    # A sum of n products errs by less than n / 2 last places of the product of the norms, the
    # transform by a small multiple of log n: twice the bound on each side, for their difference.
    error = 2.0 * len(data) * np.finfo(np.float64).eps * size
    within = np.flatnonzero(found >= found.max() - 2.0 * error)
    if len(within) > _MOST_CANDIDATES:
        return None
    return [int(one) - len(data) + 1 for one in within]


def correlation_at(data: Samples, model: Samples, lag: int) -> float:
    """Correlate at one lag, with the bits of ``numpy.correlate``.

    Args:
        data: shape ``(n,)``.
        model: same shape.
        lag: samples by which ``data`` is taken to be later, between ``1 - n`` and ``n - 1``.

    Returns:
        The sum of the products where both are.
    """
    left = len(data) - abs(lag)
    if lag < 0:
        return float(np.dot(data[:left], model[-lag:]))
    return float(np.dot(data[lag:], model[:left]))
