"""Draw energies and temperature of a simulation until the end of a leg, and examine its frames.

The legs before it lie beside it, by the names that their records have::

    python job_scripts/md_quicklook.py data/results/md/box01/run-002.1
"""

import sys

from headrace.md.quicklook import main

if __name__ == "__main__":
    sys.exit(main())
