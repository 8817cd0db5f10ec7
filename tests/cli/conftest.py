"""The command line, in this process beside a service, and in processes of its own."""

from __future__ import annotations

from tests.support.command_line import deployed, root, run, service
from tests.support.command_process import headrace

__all__ = ["deployed", "headrace", "root", "run", "service"]
