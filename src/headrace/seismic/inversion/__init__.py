"""An inversion: its settings, its directory, and the stages of an iteration, file to file."""

from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.next_work import NextWork
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.settings import InversionSettings, read_settings
from headrace.seismic.inversion.settings_file import Band
from headrace.seismic.inversion.steering import (
    Request,
    Steering,
    read_request,
    read_steering,
    request_text,
    write_steering,
)

__all__ = [
    "Band",
    "Inversion",
    "InversionError",
    "InversionSettings",
    "NextWork",
    "Paths",
    "Request",
    "Steering",
    "open_inversion",
    "read_request",
    "read_settings",
    "read_steering",
    "request_text",
    "write_steering",
]
