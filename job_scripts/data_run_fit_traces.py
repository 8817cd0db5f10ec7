"""Fit every trace of an event file's listed channels with one pulse and with two.

Run it alone or under MPI; the output is the same for any number of ranks::

    mpirun -n 4 python job_scripts/data_run_fit_traces.py run-0001-00.evt run-0001-00-fitted.evt \
        --channels channels.txt [--engine template] [--staging /tmp] [--progress FILE]
"""

import sys

from headrace.datarun.fit.program import main

if __name__ == "__main__":
    sys.exit(main())
