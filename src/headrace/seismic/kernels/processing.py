"""All that is done to the sum of the kernels, in one call."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headrace.seismic.errors import ModelError
from headrace.seismic.kernels.masks import Mask, apply_masks
from headrace.seismic.kernels.smoothing import Smoothing, smooth
from headrace.seismic.kernels.steps import clip, precondition


@dataclass(frozen=True)
class KernelProcessing:
    """Processing steps of a summed kernel, in this order; what is not given is left out.

    Smoothing spreads what a mask should keep out, and fills what it should keep empty. So the
    square root of the masks comes before it and again after it: where a mask is zero the kernel
    counts for nothing and ends as zero, where nothing is smoothed the mask counts once, and the
    whole stays as symmetric as the smoothing is, which the optimiser needs of a preconditioner.

    Attributes:
        masks: mutes, tapers and scalings; without smoothing they are applied once.
        water_level: of the preconditioner; None: no preconditioner.
        smoothing: along which axes; the pseudo-Hessian, which no mask is applied to, is smoothed
            likewise before it is used.
        clip_quantile: share of the points left as they are by clipping; None: no clipping.
    """

    masks: tuple[Mask, ...] = ()
    water_level: float | None = None
    smoothing: tuple[Smoothing, ...] = ()
    clip_quantile: float | None = None


def process_kernel(
    source: Path, target: Path, processing: KernelProcessing, *, hessian: Path | None = None
) -> None:
    """Masks, preconditions, smooths and clips a summed kernel.

    Args:
        source: the sum of the events' kernels.
        target: the file to write; it is there whole or not at all.
        processing: what to do.
        hessian: the sum of the events' pseudo-Hessians, needed with a water level.

    Raises:
        ModelError: a step cannot be done; the message says which file and why.
    """
    if processing.water_level is not None and hessian is None:
        raise ModelError(f"{target}: the preconditioner needs a pseudo-Hessian")
    # A name that follows from the target: what a killed process left is found and removed.
    scratch = target.with_name(f".{target.stem}.steps")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        steps = _steps(processing, hessian, scratch)
        current = source
        for number, step in enumerate(steps):
            made = target if number == len(steps) - 1 else scratch / f"{number}.h5"
            step(current, made)
            current = made
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _steps(
    processing: KernelProcessing, hessian: Path | None, scratch: Path
) -> list[Callable[[Path, Path], object]]:
    steps: list[Callable[[Path, Path], object]] = []
    water_level, quantile = processing.water_level, processing.clip_quantile
    if water_level is not None and hessian is not None:
        divisor = hessian
        if processing.smoothing:
            divisor = scratch / "hessian.h5"
            smooth(hessian, divisor, processing.smoothing)
        steps.append(
            lambda source, target: precondition(source, divisor, target, water_level=water_level)
        )
    root = bool(processing.smoothing)

    def mask(source: Path, target: Path) -> None:
        apply_masks(source, target, processing.masks, root=root)

    if processing.smoothing:
        steps.append(lambda source, target: smooth(source, target, processing.smoothing))
        if processing.masks:
            steps.append(mask)
    if quantile is not None:
        steps.append(lambda source, target: clip(source, target, quantile=quantile))
    # Without masks too, so that there is always a file of its own.
    return [mask, *steps]
