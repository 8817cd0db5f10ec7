"""Initial parameters of the fits, one trace after the other.

The reference's own guesses come first. What it finds for two pulses is often wrong, because a
single pulse fitted to two of them resembles neither; the steepest edges of the trace, a grid of
position pairs, and one pulse split in two lead further.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.fit.batch import Batch
from headrace.datarun.fit.compiled import kernel

_FALLBACK = 0.1
_SLOWEST_EDGE, _FASTEST_EDGE = 0.1, 2.0


@kernel
def guess_pulse(batch: Batch, number: Any, q: Any) -> None:
    """Guess a single pulse as the reference does, by its maximum and where it is half as high.

    Args:
        batch: the traces.
        number: of the trace.
        q: receives position, steepness, decay.
    """
    first, length = batch.first[number], batch.length[number]
    trace, level = batch.samples, batch.level[number]
    top = 0
    for i in range(length):
        if trace[first + i] > trace[first + top]:
            top = i
    height = float(trace[first + top]) - level
    half = top
    while half > 0 and float(trace[first + half]) - level > 0.5 * height:
        half -= 1
    steepness = _FALLBACK
    if half < top:
        steepness = np.log(9.0) / (top - half)

    to_three_quarters = 0
    to_half = 0
    for i in range(top + 1, length):
        value = float(trace[first + i]) - level
        if to_three_quarters == 0 and value <= 0.75 * height:
            to_three_quarters = i - top
        if value <= 0.5 * height:
            to_half = i - top
            break
    decay = _FALLBACK
    if to_three_quarters > 0:
        decay = np.log(4.0 / 3.0) / to_three_quarters
        if to_half > 0:
            decay = 0.5 * (decay + np.log(2.0) / to_half)
    q[0], q[1], q[2] = top, steepness, decay


@kernel
def guess_residual(single: Any, peak: Any, q: Any) -> None:
    """Guess two pulses as the reference does: the single fit, and its like at another sample.

    Args:
        single: position, steepness, decay of the single fit.
        peak: sample of the greatest residual.
        q: receives those of two pulses.
    """
    for k in range(3):
        q[k] = q[3 + k] = single[k]
    q[3] = peak


@kernel
def guess_edges(batch: Batch, number: Any, decay: Any, q: Any) -> None:
    """Guess two pulses at the two steepest edges of the trace.

    Args:
        batch: the traces.
        number: of the trace.
        decay: of both pulses, 1/sample.
        q: receives position, steepness, decay of two pulses.
    """
    begin, length = batch.first[number], batch.length[number]
    trace = batch.samples
    reach = max(3, length // 40)
    first = second = min(reach, length - 1)
    if length > 2 * reach:
        # By how much the samples after one are above those before it, in integers.
        height = np.empty(length, np.int64)
        total: Any = 0
        for j in range(1, reach + 1):
            total += np.int64(trace[begin + reach + j]) - np.int64(trace[begin + reach - j])
        for i in range(reach, length - reach):
            height[i] = total
            if i + 1 < length - reach:
                total += np.int64(trace[begin + i + 1 + reach]) - np.int64(trace[begin + i + 1])
                total -= np.int64(trace[begin + i]) - np.int64(trace[begin + i - reach])
        first = reach
        for i in range(reach, length - reach):
            if height[i] > height[first]:
                first = i
        steepest: Any = -(1 << 40)
        for i in range(reach, length - reach - 1):
            rising = i == reach or height[i] >= height[i - 1]
            peaked = rising and height[i] >= height[i + 1]
            if abs(i - first) >= reach and peaked and height[i] > steepest:
                steepest, second = height[i], i
    for pulse in range(2):
        at = first if pulse == 0 else second
        lowest = np.inf
        highest = -np.inf
        for i in range(max(0, at - 2 * reach), min(length, at + 2 * reach)):
            value = float(trace[begin + i])
            if i <= at:
                lowest = min(lowest, value)
            if i >= at:
                highest = max(highest, value)
        left, right = max(at - 1, 0), min(at + 1, length - 1)
        # In the middle of a logistic edge the slope is a quarter of height times steepness.
        slope = float(trace[begin + right]) - float(trace[begin + left])
        steepness = 4.0 * slope / max(right - left, 1) / max(highest - lowest, 1.0)
        q[3 * pulse] = at
        q[3 * pulse + 1] = min(max(steepness, _SLOWEST_EDGE), _FASTEST_EDGE)
        q[3 * pulse + 2] = decay


@kernel
def guess_split(single: Any, q: Any) -> None:
    """Guess one pulse split in two that are steeper and stand on either side of it."""
    apart = 1.5 / max(abs(single[1]), 0.05)
    for pulse in range(2):
        q[3 * pulse] = single[0] + (apart if pulse else -apart)
        q[3 * pulse + 1] = 1.5 * single[1]
        q[3 * pulse + 2] = single[2]
