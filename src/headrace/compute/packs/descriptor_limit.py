"""The limit of open files of a worker: raised as far as many commands side by side need it."""

from __future__ import annotations

import contextlib
import os
import resource
from typing import Final

# Its socket, and two files that are copied when it has ended. Its supervisor needs no more.
_FOR_EACH_COMMAND: Final = 3
# The supervisor's start, the journal, and what else opens files in this process.
_SPARE: Final = 32
# Where it is not known how many are open.
_USUALLY_OPEN: Final = 32


class DescriptorLimit:
    """The limit of open files for some commands at the same time.

    The soft limit is raised no further than they need, for a program may not be able to use
    descriptors above 1,024.

    Args:
        commands: how many are wanted at the same time.

    Attributes:
        commands: how many there may be, at least 1.
        raised_from: the limit that was raised, which is the commands' own; 0: it was not.
    """

    def __init__(self, commands: int) -> None:
        others = _open_now() + _SPARE
        wanted = others + _FOR_EACH_COMMAND * commands
        self.raised_from = 0
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            # A system may allow less than it says.
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
                self.raised_from, soft = soft, allowed
        if soft != resource.RLIM_INFINITY:
            commands = min(commands, (soft - others) // _FOR_EACH_COMMAND)
        self.commands = max(1, commands)

    def restore(self) -> None:
        """Set the limit that there was before."""
        if self.raised_from:
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.raised_from, hard))
            self.raised_from = 0


def _open_now() -> int:
    try:
        return len(os.listdir("/dev/fd"))  # noqa: PTH208
    except OSError:
        return _USUALLY_OPEN
