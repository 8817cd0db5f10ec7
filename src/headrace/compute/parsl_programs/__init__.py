"""Parsl's programs on this machine, without the packages that Parsl imports and they never use.

Parsl imports what any of its users may need: a database toolkit for its monitoring, providers for
clouds, the client of Globus Compute for one executor, checks of the arguments of its
configuration. For the processes here that is nine tenths of their start and half of their memory,
and an endpoint with one worker starts five of them.
"""

from __future__ import annotations

import importlib
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from .deferred_packages import defer_package

_PARSL_PROGRAMS = "parsl.executors.high_throughput"
_POOL = "process_worker_pool"
# Each imports all that stands below it, or more than is used of it here.
_DEFERRED = (
    "parsl",
    "parsl.executors",
    "parsl.monitoring",
    "parsl.providers",
    "globus_compute_sdk",
    "requests",
)


def _import_when_called(module: str, name: str) -> dict[str, Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args, **kwargs)

    return {name: call}


# Of these one name is asked for, to stand where nothing here comes.
_SUBSTITUTES = {
    "globus_compute_endpoint.auth": _import_when_called(
        "globus_compute_endpoint.auth", "get_globus_app_with_scopes"
    ),
    "globus_identity_mapping.loader": _import_when_called(
        "globus_identity_mapping.loader", "load_mappers"
    ),
    "parsl.app.app": {"AppBase": object},
    "parsl.dataflow.dflow": {"DataFlowKernelLoader": object},
}
_TYPE_CHECKS = {"typeguard": {"typechecked": lambda target: target}}
# They were built with substitutes: whoever imports them later gets them whole.
_BUILT_WITH_SUBSTITUTES = ("parsl.app.python",)


@contextmanager
def _replace_modules(substitutes: dict[str, ModuleType]) -> Iterator[None]:
    """Replace modules that are not imported yet; imports after it find the real ones.

    Args:
        substitutes: what stands for each.
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
            _forget_attribute(name)


def _forget_attribute(name: str) -> None:
    parent, _, last = name.rpartition(".")
    if parent in sys.modules:
        vars(sys.modules[parent]).pop(last, None)


def import_light(names: Iterable[str], *, check_types: bool = False) -> None:
    """Import modules of Parsl, and of what builds upon it, without what they never use.

    What is left out is imported when something asks for it.

    Args:
        names: the modules.
        check_types: whether they check the types of what their classes are configured with.
    """
    for package in _DEFERRED:
        defer_package(package)
    substitutes = {}
    for name, values in (_SUBSTITUTES | ({} if check_types else _TYPE_CHECKS)).items():
        substitutes[name] = ModuleType(name)
        vars(substitutes[name]).update(values)
    complete = {name for name in _BUILT_WITH_SUBSTITUTES if name in sys.modules}
    with _replace_modules(substitutes):
        for name in names:
            importlib.import_module(name)
    for name in _BUILT_WITH_SUBSTITUTES:
        if name in sys.modules and name not in complete:
            del sys.modules[name]
            _forget_attribute(name)


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
