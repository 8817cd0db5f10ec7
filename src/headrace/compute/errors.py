"""Errors of endpoints, functions and batch jobs.

::

    HeadraceError
    └── ComputeError
        └── TemporaryError

`headrace.compute.attempts`, `batch`, `scheduler` and `stages` are sent to other machines and have
errors of their own.
"""

from headrace.errors import HeadraceError


class ComputeError(HeadraceError):
    """An endpoint, a function or a task that cannot be used; the message is one line."""


class TemporaryError(ComputeError):
    """A fault of the machine that may pass, such as a full disk."""
