"""Writes inputs of small simulations: boxes of water at several temperatures, and a table of them.

    python job_scripts/md_make_example.py DIRECTORY [--boxes N] [--engine NAME] [--steps N]

makes ``DIRECTORY/boxNN/`` with what the engine needs, 2 fs a step, about 210 molecules each. By
default the engine is GROMACS where ``gmx`` is on PATH, else OpenMM. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Write the inputs; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("directory", type=Path, help="where boxNN/ is made")
    parser.add_argument("--boxes", type=int, default=12, help="how many (12)")
    parser.add_argument("--engine", default="", help="gromacs or openmm; what is there by default")
    parser.add_argument("--steps", type=int, default=3000, help="steps of each simulation (3,000)")
    options = parser.parse_args(arguments)

    from headrace.md import MdError
    from headrace.md.water_boxes import available_engine, write_water_box

    try:
        engine = options.engine or available_engine()
        for number in range(1, options.boxes + 1):
            place = options.directory / f"box{number:02d}"
            if place.exists():
                raise MdError(f"{place}: is there already; name another directory")
            temperature = 290.0 + 5 * (number - 1) % 60
            write_water_box(
                engine, place, temperature_k=temperature, steps=options.steps, seed=number
            )
            facts = {"name": place.name, "engine": engine, "temperature": temperature}
            print(json.dumps(facts), flush=True)
    except MdError as error:
        print(f"md_make_example: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
