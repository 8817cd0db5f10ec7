"""Make a ROOT tree of an event file's events, with their fits.

One entry an event, jagged branches for its hits::

    python job_scripts/data_run_convert.py run-0001-00-fitted.evt run-0001-00.root [--parquet FILE]
"""

import sys

from headrace.datarun.convert.program import main

if __name__ == "__main__":
    sys.exit(main())
