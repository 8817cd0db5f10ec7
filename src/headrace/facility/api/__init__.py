"""The facility's HTTP API: the calls of Globus Flows and Compute, in the services' shapes."""

from headrace.facility.api.app import make_app
from headrace.facility.api.backend import Backend

__all__ = ["Backend", "make_app"]
