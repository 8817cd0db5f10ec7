"""Parsl's interchange: ``python -m headrace.compute.parsl_programs.interchange``."""

import runpy
import sys

from headrace.compute.parsl_programs import import_light

_PROGRAM = "parsl.executors.high_throughput.interchange"

if __name__ == "__main__":
    import_light([_PROGRAM])
    del sys.modules[_PROGRAM]  # it is run, not imported
    runpy.run_module(_PROGRAM, run_name="__main__", alter_sys=True)
