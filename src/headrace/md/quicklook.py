"""A quick look at a simulation: its energies and temperature so far, and whether it is complete."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from headrace._internal.figure_style import ACCENT, FAINT, heading, new_figure, plain, write_png
from headrace.md.energies import COLUMNS, Energies
from headrace.md.errors import MdError
from headrace.md.leg_chain import Leg, all_energies, chain_faults, legs_until

PICTURE: Final = "quicklook.png"
"""Name of the picture."""

_PANELS: Final = (
    ("potential", "potential energy (kJ/mol)"),
    ("total", "total energy (kJ/mol)"),
    ("temperature", "temperature (K)"),
)
# Points of a curve; more cannot be seen.
_POINTS: Final = 2000
_PROGRAM: Final = "md_quicklook"


def look(directory: Path, picture: Path) -> dict[str, Any]:
    """Draw the energies of a simulation until the end of a leg, and examine its frames.

    Args:
        directory: the leg's directory, with those of the legs before beside it.
        picture: the PNG file to write.

    Returns:
        ``legs``, ``step``, ``target_step``, ``time_ps``, ``frames``, ``faults`` (texts; none: every
        frame is there once), ``temperature_k``, ``temperature_error_k`` (standard error, by
        blocks) and ``potential_drift_kj_mol_ns`` (slope; null with less than two rows).

    Raises:
        MdError: a leg is missing or damaged.
    """
    legs = legs_until(directory)
    energies = all_energies(legs)
    picture.parent.mkdir(parents=True, exist_ok=True)
    _draw(legs, energies, picture)
    last = legs[-1].outcome
    temperatures = list(energies.columns.get(COLUMNS["temperature"], ()))
    slope = _slope(energies.times, energies.columns.get(COLUMNS["potential"], ()))
    return {
        "legs": len(legs),
        "step": last.step,
        "target_step": last.target_step,
        "time_ps": last.time_ps,
        "frames": sum(leg.outcome.frames for leg in legs),
        "faults": chain_faults(legs),
        "temperature_k": _rounded(energies.mean("temperature")),
        "temperature_error_k": _rounded(block_error(temperatures)),
        "potential_drift_kj_mol_ns": None if slope is None else _rounded(slope * 1000),
    }


def block_error(values: Sequence[float], blocks: int = 10) -> float | None:
    """Return the standard error of a mean of correlated values, by means of blocks.

    Flyvbjerg and Petersen, J. Chem. Phys. 91, 461 (1989), with one size of block.

    Args:
        values: in the order of time.
        blocks: how many.

    Returns:
        The error; None where there are less than two values a block.
    """
    size = len(values) // blocks
    if size < 2:
        return None
    means = [
        math.fsum(values[number * size : (number + 1) * size]) / size for number in range(blocks)
    ]
    mean = math.fsum(means) / blocks
    variance = math.fsum((each - mean) ** 2 for each in means) / (blocks - 1)
    return math.sqrt(variance / blocks)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; what was found goes to stdout as one line of JSON.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 done, 1 failed, 2 usage.
    """
    parser = argparse.ArgumentParser(prog=_PROGRAM, description=(__doc__ or "").strip())
    parser.add_argument("directory", type=Path, metavar="LEG", help="the last leg's directory")
    parser.add_argument("--picture", type=Path, metavar="FILE.png", help=f"LEG/{PICTURE}")
    options = parser.parse_args(arguments)
    picture = options.picture or options.directory / PICTURE
    try:
        found = look(options.directory, picture)
    except MdError as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        print(f"{_PROGRAM}: needs {error.name}: pip install 'headrace[md]'", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{_PROGRAM}: {error.filename or picture}: {error.strerror}", file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


def _draw(legs: Sequence[Leg], energies: Energies, picture: Path) -> None:
    panels = [(name, label) for name, label in _PANELS if COLUMNS[name] in energies.columns]
    figure = new_figure(8.0, 1.2 + 1.8 * max(1, len(panels)))
    axes = figure.subplots(max(1, len(panels)), 1, sharex=True, squeeze=False)[:, 0]
    stride = max(1, len(energies.times) // _POINTS)
    times = energies.times[::stride]
    for axis, (name, label) in zip(axes, panels, strict=False):
        axis.plot(times, energies.columns[COLUMNS[name]][::stride], color=ACCENT, linewidth=0.8)
        axis.set_ylabel(label)
        plain(axis)
        for leg in legs[1:]:
            begin = leg.outcome.first_step * leg.outcome.step_ps
            axis.axvline(begin, color=FAINT, linewidth=0.8, zorder=0)
    axes[-1].set_xlabel("time (ps)")
    last = legs[-1].outcome
    name = legs[-1].directory.parent.name
    percent = 100 * last.step / last.target_step
    count = "1 leg" if len(legs) == 1 else f"{len(legs)} legs"
    steps = f"step {last.step:,} of {last.target_step:,} ({percent:.0f} %)"
    heading(figure, f"{name}: {count}, {steps}")
    write_png(figure, picture)


def _slope(times: Sequence[float], values: Sequence[float]) -> float | None:
    if len(times) < 2 or len(times) != len(values):
        return None
    middle, mean = math.fsum(times) / len(times), math.fsum(values) / len(values)
    spread = math.fsum((time - middle) ** 2 for time in times)
    if spread == 0:
        return None
    pairs = zip(times, values, strict=True)
    return math.fsum((time - middle) * (value - mean) for time, value in pairs) / spread


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
