"""What goes wrong with endpoints, functions and batch jobs."""

from headrace.errors import HeadraceError


class ComputeError(HeadraceError):
    """An endpoint, a function or a task that cannot be used, told in one line."""


class TemporaryError(ComputeError):
    """What the machine cannot do at present, such as for a full disk; trying again may help."""
