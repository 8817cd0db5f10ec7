"""Invert the resistivity data of a directory by pyGIMLi or CRTomo, or model them by CRMod.

Run it alone::

    python job_scripts/ert_invert.py sections/line01 --output results/line01 \
        --config job_scripts/ert.toml [--engine pygimli] [--settings JSON]
"""

import sys

from headrace.ert.program import main

if __name__ == "__main__":
    sys.exit(main())
