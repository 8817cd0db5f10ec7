"""Run one leg of a molecular-dynamics simulation, from its last good checkpoint.

The leg's directory has ``input/`` or ``previous/``; run again after a kill, it goes on::

    python job_scripts/md_leg.py DIR --engine gromacs --settings job_scripts/md.toml
"""

import sys

from headrace.md.program import main

if __name__ == "__main__":
    sys.exit(main())
