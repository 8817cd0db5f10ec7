"""Kernels: summed, masked, preconditioned, smoothed and clipped, on grids larger than memory."""

from headrace.seismic.kernels.masks import Mask, Mute, Scaling, Taper, apply_masks
from headrace.seismic.kernels.processing import KernelProcessing, process_kernel
from headrace.seismic.kernels.smoothing import Smoothing, smooth
from headrace.seismic.kernels.steps import clip, gradient_of, precondition
from headrace.seismic.kernels.sums import sum_kernels

__all__ = [
    "KernelProcessing",
    "Mask",
    "Mute",
    "Scaling",
    "Smoothing",
    "Taper",
    "apply_masks",
    "clip",
    "gradient_of",
    "precondition",
    "process_kernel",
    "smooth",
    "sum_kernels",
]
