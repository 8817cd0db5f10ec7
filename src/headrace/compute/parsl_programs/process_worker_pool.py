"""Parsl's pool of workers: ``python -m headrace.compute.parsl_programs.process_worker_pool``.

Each worker runs the pool's main module again, to find what it should do. That is this module, so
Parsl's code runs in its namespace. Workers are forked from a process that has imported what all of
them need (`worker_modules`); it starts while the pool itself is imported, and has one thread.
"""

import importlib.metadata
import importlib.util
import multiprocessing
from collections.abc import Iterator
from multiprocessing import forkserver
from typing import Any

from headrace.compute.parsl_programs import import_light
from headrace.compute.parsl_programs.deferred_packages import withdraw_deferred_packages

_PROGRAM = "parsl.executors.high_throughput.process_worker_pool"
_PREPARE = "_init_mpi_env"  # its function that is called before the function of each task


# A pool reports the versions of all packages that are installed, and takes a while to read them.
_REPORTED_PACKAGES = ("dill", "globus-compute-endpoint", "globus-compute-sdk", "parsl")


def _reported_distributions() -> Iterator[importlib.metadata.Distribution]:
    for name in _REPORTED_PACKAGES:
        yield from importlib.metadata.Distribution.discover(name=name)


def _fork_workers_from_a_server() -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["headrace.compute.parsl_programs.worker_modules"])
    forkserver.ensure_running()
    import_light(["parsl.multiprocessing", _PROGRAM])
    import parsl.multiprocessing

    parsl.multiprocessing.SpawnContext = context


def _withdraw_packages_at_the_first_task(namespace: dict[str, Any]) -> None:
    # Not before: a worker's own start imports from packages that are deferred.
    prepare = namespace.get(_PREPARE)
    if prepare is None:
        withdraw_deferred_packages()
        return

    def prepare_first(*args: Any, **kwargs: Any) -> Any:
        namespace[_PREPARE] = prepare
        withdraw_deferred_packages()
        return prepare(*args, **kwargs)

    namespace[_PREPARE] = prepare_first


if __name__ in {"__main__", "__mp_main__"}:
    if __name__ == "__main__":
        _fork_workers_from_a_server()
        importlib.metadata.distributions = _reported_distributions  # type: ignore[assignment]
    _spec = importlib.util.find_spec(_PROGRAM)
    exec(_spec.loader.get_code(_PROGRAM), globals())  # type: ignore[union-attr]  # noqa: S102
    if __name__ == "__mp_main__":
        _withdraw_packages_at_the_first_task(globals())
