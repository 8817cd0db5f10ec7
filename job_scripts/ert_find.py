"""Say whether a directory needs an inversion or a modelling.

A campaign asks this of each directory that may be a member. Exit code 0: it does, and what is
printed; 1: nothing is to be done; 2: it cannot be said::

    python job_scripts/ert_find.py data/ert/sections/line01
"""

import sys

from headrace.ert.find import main

if __name__ == "__main__":
    sys.exit(main())
