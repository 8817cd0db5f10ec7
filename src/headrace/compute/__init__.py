"""Endpoints and functions: what runs on a cluster, and the processes that see to it."""

from .cancelling import Cancellations
from .endpoint import EndpointHost
from .errors import ComputeError
from .functions import Function, find_functions
from .reaping import reap
from .values import EndpointSpec, TaskEvent, TaskSpec

__all__ = [
    "Cancellations",
    "ComputeError",
    "EndpointHost",
    "EndpointSpec",
    "Function",
    "TaskEvent",
    "TaskSpec",
    "find_functions",
    "reap",
]
