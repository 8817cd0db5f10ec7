"""Parsl's interchange: ``python -m headrace.compute.parsl_programs.interchange``."""

import runpy

from headrace.compute.parsl_programs import import_parsl

if __name__ == "__main__":
    import_parsl()
    runpy.run_module(
        "parsl.executors.high_throughput.interchange", run_name="__main__", alter_sys=True
    )
