"""Writes example sections: data of models with layers and bodies, and noise, in the unified format.

    python job_scripts/ert_make_example.py DIRECTORY [--count N] [--array wenner] [--seed N]

makes ``DIRECTORY/lineNN/data.dat``, and ``truth.json`` with the model beside it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Write the sections; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("directory", type=Path, help="where lineNN/ are made")
    parser.add_argument("--count", type=int, default=24, help="how many sections (24)")
    parser.add_argument("--first", type=int, default=1, help="number of the first one (1)")
    parser.add_argument(
        "--array",
        default="alternating",
        help="dipole-dipole, wenner, schlumberger; alternating: one after the other",
    )
    parser.add_argument("--electrodes", type=int, default=21, help="in each line (21)")
    parser.add_argument("--spacing", type=float, default=1.0, help="of two electrodes, in m (1)")
    parser.add_argument("--noise", type=float, default=0.02, help="relative (0.02, which is 2 %%)")
    parser.add_argument("--seed", type=int, default=0, help="another seed is other sections")
    options = parser.parse_args(arguments)

    from headrace.ert import ErtError
    from headrace.ert.synthetic import ARRAYS, Section, write_section

    arrays = [*ARRAYS] if options.array == "alternating" else [options.array]
    try:
        for number in range(options.first, options.first + options.count):
            directory = options.directory / f"line{number:02d}"
            if directory.exists():
                print(f"{directory}: is there already; choose another --first", file=sys.stderr)
                return 1
            section = Section(
                seed=1000 * options.seed + number,
                array=arrays[number % len(arrays)],
                electrodes=options.electrodes,
                spacing=options.spacing,
                noise=options.noise,
            )
            print(write_section(directory, section), flush=True)
    except (ErtError, OSError) as error:
        print(f"ert_make_example: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
