"""``headrace md status``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, table
from headrace.cli.termio.terminal import write

FIELDS = (
    Field("Leg", key="leg"),
    Field("Engine", key="engine"),
    Field("From step", lambda leg: f"{leg['first_step']:,}"),
    Field("To step", lambda leg: f"{leg['step']:,}"),
    Field("Time (ps)", lambda leg: f"{leg['time_ps']:,.6g}"),
    Field("Frames", lambda leg: f"{leg['frames']:,}"),
    Field("ns/day", lambda leg: _number(leg["ns_per_day"]), optional=True),
    Field("T (K)", lambda leg: _number(leg["temperature_k"]), optional=True),
)
"""Columns of the legs."""


@click.command
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--files", is_flag=True, help="Print the trajectory files in the order of time, one a line."
)
@output_options
def status_command(directory: Path, files: bool) -> int:
    """Show the legs of the simulation in DIRECTORY, and examine its trajectory.

    DIRECTORY is that of a leg, or holds those of all legs of one simulation. Attempts that no leg
    went on from are left out. The exit code is 1 if a frame is missing or there twice, or if a leg
    does not begin where the one before ended.
    """
    from headrace.md.leg_chain import chain_faults, last_leg, legs_until

    legs = legs_until(last_leg(directory))
    faults = chain_faults(legs)
    if files:
        write("\n".join(str(path) for leg in legs for path in leg.files))
        return 1 if faults else 0
    last = legs[-1].outcome
    rows = [{"leg": leg.directory.name, **leg.outcome.to_dict()} for leg in legs]
    document = {
        "directory": str(directory.absolute()),
        "step": last.step,
        "target_step": last.target_step,
        "done": last.done,
        "faults": faults,
        "legs": rows,
        "files": [str(path) for leg in legs for path in leg.files],
    }
    display(document, lambda: _text(document), ("step", "target_step", "done"))
    return 1 if faults else 0


def _text(document: Mapping[str, Any]) -> str:
    step, target = document["step"], document["target_step"]
    ending = "the target is reached" if document["done"] else f"{100 * step / target:.0f} % done"
    lines = [table(document["legs"], FIELDS, ""), "", f"Step {step:,} of {target:,}: {ending}."]
    faults = [f"fault: {fault}" for fault in document["faults"]]
    return "\n".join([*lines, *(faults or ["Every frame is there once."])])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
