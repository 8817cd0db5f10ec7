"""One stage of an iteration of an inversion.

As job scripts call it::

    python job_scripts/inversion.py check --directory DIR --iteration 3 --answer FILE
    python job_scripts/inversion.py forward --directory DIR --evaluation 003_trial_01 \
        --events FILE --answer FILE

``windows`` may run under MPI; the files are the same for any number of ranks.
"""

import sys

from headrace.seismic.inversion.cli import main

if __name__ == "__main__":
    sys.exit(main())
