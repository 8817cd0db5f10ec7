"""Writes an example run: segments of built events with pulses, pile-up and noise.

    python job_scripts/data_run_make_example.py DIRECTORY --run N [--segments N] [--events N] \
        [--seed N]

makes ``DIRECTORY/runNNNN/run-NNNN-SS.evt``, as NSCLDAQ writes them; the run ends now.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Write one run; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("directory", type=Path, help="where runNNNN/ is made")
    parser.add_argument("--run", type=int, default=1, help="number of the run (1)")
    parser.add_argument("--segments", type=int, default=4, help="how many files (4)")
    parser.add_argument("--events", type=int, default=2000, help="events in each (2,000)")
    parser.add_argument("--channels", type=int, default=8, help="digitiser channels (8)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is other events")
    options = parser.parse_args(arguments)
    if (options.directory / f"run{options.run:04d}").exists():
        where = options.directory / f"run{options.run:04d}"
        print(f"{where}: is there already; choose another number", file=sys.stderr)
        return 1

    from headrace.datarun import DataRunError

    try:
        from headrace.datarun.synthetic import SyntheticRun, write_run
    except ImportError as error:
        print(f"{error.name} is missing: pip install 'headrace[datarun]'", file=sys.stderr)
        return 1

    rate = 2000.0
    seconds = options.segments * options.events / rate
    try:
        run = SyntheticRun(
            run=options.run,
            segments=options.segments,
            events=options.events,
            channels=options.channels,
            rate=rate,
            seed=options.seed,
            title="example",
            start=int(time.time() - seconds),
        )
        for path in write_run(options.directory, run):
            print(path)
    except (ValueError, DataRunError) as error:
        print(f"data_run_make_example: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
