"""Parsl's programs on this machine, without the packages that Parsl imports and they never use.

Parsl imports what any of its users may need: a database toolkit for its monitoring, the client of
Globus Compute for one executor, checks of the arguments of its configuration. For the processes
here that is three quarters of their start, and an endpoint with one worker starts four of them.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

_PARSL_PROGRAMS = "parsl.executors.high_throughput"
_POOL = "process_worker_pool"
_DATABASE = "sqlalchemy"
_COMPUTE_CLIENT = "globus_compute_sdk"
_ARGUMENT_CHECKS = "typeguard"


@contextmanager
def _replace_modules(substitutes: dict[str, ModuleType | None]) -> Iterator[None]:
    """Replace packages that are not imported yet; imports after it find the real ones.

    Args:
        substitutes: what stands for each; None: it cannot be imported.
    """
    replaced: dict[str, Any] = {
        name: module for name, module in substitutes.items() if name not in sys.modules
    }
    sys.modules.update(replaced)
    try:
        yield
    finally:
        for name in replaced:
            del sys.modules[name]


def import_parsl() -> None:
    """Import Parsl without what its programs never use."""
    unchecked = ModuleType(_ARGUMENT_CHECKS)
    vars(unchecked)["typechecked"] = lambda target: target
    with _replace_modules({_DATABASE: None, _COMPUTE_CLIENT: None, _ARGUMENT_CHECKS: unchecked}):
        import parsl  # noqa: F401


def import_parsl_without_database() -> None:
    """Import Parsl for the host of an engine: all but the toolkit for its monitoring."""
    with suppress(ImportError), _replace_modules({_DATABASE: None}):
        import parsl  # noqa: F401


def interchange_command() -> list[str]:
    """Return the command that starts an interchange on this machine.

    The endpoint's own command only finds Python and replaces itself with it, which costs a second
    each time; on this machine the interpreter is known.
    """
    return [sys.executable, "-m", f"{__name__}.interchange"]


def direct_pool_command(command: str, in_container: bool) -> str:
    """Return a command that starts a pool of workers on this machine as directly.

    Args:
        command: the endpoint's own.
        in_container: whether it runs in a container, which has Parsl and perhaps no headrace.
    """
    package = _PARSL_PROGRAMS if in_container else __name__
    indirect = f"globus-compute-endpoint python-exec {_PARSL_PROGRAMS}.{_POOL}"
    direct = f"{shlex.quote(sys.executable)} -m {package}.{_POOL}"
    return command.replace(indirect, direct, 1)
