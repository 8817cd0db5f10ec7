"""Make histograms and pictures of all segments of a run.

The analysis may be a class of your own with ``begin``, ``process(batch)`` and ``end``::

    python job_scripts/data_run_analyze.py DIRECTORY --output DIR [--analysis mine.py:Gammas]
"""

import sys

from headrace.datarun.analysis.program import main

if __name__ == "__main__":
    sys.exit(main())
