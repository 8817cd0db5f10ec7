"""Test kit for flows: run a definition in memory, with scripted providers and no waiting.

The steps are those of the facility's engine, by the same code; the clock and the providers are not
real.
"""

from headrace.testing.answers import Reply, answer, fail, never, refuse, unless_resumed
from headrace.testing.coverage import Coverage
from headrace.testing.flow import FlowTest
from headrace.testing.problems import FlowTestError
from headrace.testing.run import Call, FlowRun

__all__ = [
    "Call",
    "Coverage",
    "FlowRun",
    "FlowTest",
    "FlowTestError",
    "Reply",
    "answer",
    "fail",
    "never",
    "refuse",
    "unless_resumed",
]
