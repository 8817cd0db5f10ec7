"""Check whether the files of a run are complete: all segments, and the end of the run in the last.

A trigger asks this before it starts the flow. Exit code 0: complete; 1: not yet::

    python job_scripts/data_run_ended.py data/runs/run0001
"""

import sys

from headrace.datarun.end_of_run import main

if __name__ == "__main__":
    sys.exit(main())
