"""Simulate events in a model: synthetics, or kernels from adjoint sources.

One process runs many events; finished ones are not computed again. Run it alone or under MPI,
which shares the events among the ranks; the files are the same for any number of ranks::

    python job_scripts/inversion_simulate.py forward --solver devito --settings solver.json \
        --model models/000.h5 --events events --output forward
    python job_scripts/inversion_simulate.py adjoint --solver devito --settings solver.json \
        --model models/000.h5 --events events --forward forward \
        --adjoint-sources adjoint_sources --output kernels
"""

import sys

from headrace.seismic.solvers.cli import main

if __name__ == "__main__":
    sys.exit(main())
