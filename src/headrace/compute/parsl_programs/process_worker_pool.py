"""Parsl's pool of workers: ``python -m headrace.compute.parsl_programs.process_worker_pool``.

Each worker is a new process that runs the pool's main module again, to find what it should do.
That is this module, so Parsl's code runs in its namespace.
"""

import importlib.util

from headrace.compute.parsl_programs import import_parsl

_PROGRAM = "parsl.executors.high_throughput.process_worker_pool"

if __name__ in {"__main__", "__mp_main__"}:
    import_parsl()
    _spec = importlib.util.find_spec(_PROGRAM)
    exec(_spec.loader.get_code(_PROGRAM), globals())  # type: ignore[union-attr]  # noqa: S102
