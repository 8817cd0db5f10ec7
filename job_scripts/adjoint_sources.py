"""Make misfit windows, misfits and adjoint sources of one event, or of many.

Run it alone or under MPI; the files are the same for any number of ranks::

    mpirun -n 4 python job_scripts/adjoint_sources.py --observed DIR --synthetic DIR \
        --output DIR --config job_scripts/adjoint_sources.toml
"""

import sys

from headrace.seismic.measurement.cli import main

if __name__ == "__main__":
    sys.exit(main())
