"""Misfits of the windows of one pair and their adjoint sources."""

from headrace.seismic.misfits.base import Measurement, Misfit, WindowMeasure
from headrace.seismic.misfits.registry import find_misfit, misfit_names
from headrace.seismic.misfits.tapers import TAPER_SETTINGS, WindowMisfit, measure_windows

__all__ = [
    "TAPER_SETTINGS",
    "Measurement",
    "Misfit",
    "WindowMeasure",
    "WindowMisfit",
    "find_misfit",
    "measure_windows",
    "misfit_names",
]
