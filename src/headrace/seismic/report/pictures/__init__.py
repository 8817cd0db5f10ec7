"""Pictures of an inversion as PNG files: models, updates, kernels, misfits, fits, costs.

Every function takes plain data and a path, writes the file all at once, and returns the path. The
same data give the same bytes.
"""

from headrace.seismic.report.pictures.curves import draw_costs, draw_misfits
from headrace.seismic.report.pictures.errors import PictureError
from headrace.seismic.report.pictures.fits import WaveformFit, draw_fits, read_fits
from headrace.seismic.report.pictures.histograms import Measures, draw_histograms, read_measures
from headrace.seismic.report.pictures.maps import draw_kernels, draw_models, draw_updates
from headrace.seismic.report.pictures.sections import Places, Section, read_places, read_section

__all__ = [
    "Measures",
    "PictureError",
    "Places",
    "Section",
    "WaveformFit",
    "draw_costs",
    "draw_fits",
    "draw_histograms",
    "draw_kernels",
    "draw_misfits",
    "draw_models",
    "draw_updates",
    "read_fits",
    "read_measures",
    "read_places",
    "read_section",
]
