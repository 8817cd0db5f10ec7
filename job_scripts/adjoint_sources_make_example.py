"""Writes the waveforms of an example event: observed and synthetic, for two velocity models.

    python job_scripts/adjoint_sources_make_example.py DIRECTORY [--seed N] [--stations N]

makes ``DIRECTORY/obs`` and ``DIRECTORY/syn`` with one two-column file a station. The last part of
DIRECTORY is the event's name.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Write one event; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("directory", type=Path, help="where obs/ and syn/ are made")
    parser.add_argument("--seed", type=int, default=0, help="another seed is another source")
    parser.add_argument("--stations", type=int, default=10, help="how many stations (1 to 99)")
    options = parser.parse_args(arguments)
    if not 1 <= options.stations <= 99:
        parser.error(f"--stations {options.stations}: must be from 1 to 99")
    if options.directory.exists():
        print(f"{options.directory}: is there already; name another", file=sys.stderr)
        return 1

    from headrace.seismic import demo_event

    directory = options.directory
    demo_event(directory.parent, directory.name, options.seed, options.stations)
    return 0


if __name__ == "__main__":
    sys.exit(main())
