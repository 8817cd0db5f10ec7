"""``headrace demo md``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from headrace.cli.commands.demo._run import deploy_and_drive
from headrace.cli.parsing.options import output_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field, table

BOXES = 12

FIELDS = (
    Field("Simulation", key="name"),
    Field("Legs", key="legs"),
    Field("Step", lambda box: f"{box['step']:,}"),
    Field("Frames", key="frames"),
    Field("T (K)", lambda box: f"{box['temperature_k']:.1f} ± {box['temperature_error_k']:.1f}"),
    Field("Potential energy (kJ/mol)", lambda box: f"{box['potential_kj_mol']:,.0f}"),
    Field("Faults", lambda box: "; ".join(box["faults"]) or "none"),
)


@click.command
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default="headrace-demo-md"
)
@click.option(
    "--boxes", type=click.IntRange(1), default=BOXES, help=f"Number of simulations ({BOXES})."
)
@click.option("--keep", is_flag=True, help="Leave the facility running at the end.")
@output_options
def md_command(directory: Path, boxes: int, keep: bool) -> int:
    """Run boxes of water in three legs each, over two lanes, in DIRECTORY.

    Creates a project, writes the inputs of simulations at several temperatures, runs them as a
    campaign by GROMACS, or by OpenMM where it is not there, and shows what came out. After each leg
    a picture of energies and temperature is drawn. A second call in the same DIRECTORY shows the
    same again.
    """
    from headrace.demos.demonstration import stop_services
    from headrace.demos.md import MolecularDynamicsDemonstration
    from headrace.md.leg_chain import all_energies, chain_faults, last_leg, legs_until
    from headrace.md.quicklook import block_error

    session = current()
    session.directory = directory
    demonstration = MolecularDynamicsDemonstration(directory, note)
    names = demonstration.prepare(boxes)
    status = deploy_and_drive(demonstration)

    def box(name: str) -> dict[str, Any]:
        legs = legs_until(last_leg(demonstration.results / name))
        energies = all_energies(legs)
        return {
            "name": name,
            "legs": len(legs),
            "step": legs[-1].outcome.step,
            "done": legs[-1].outcome.done,
            "frames": sum(leg.outcome.frames for leg in legs),
            "temperature_k": energies.mean("temperature"),
            "temperature_error_k": block_error(list(energies.columns["temperature_k"])) or 0.0,
            "potential_kj_mol": energies.mean("potential"),
            "faults": chain_faults(legs),
            "picture": str((legs[-1].directory / "quicklook.png").resolve()),
        }

    good = status.counts["done"] == len(names)
    found = [box(name) for name in names] if good else []
    document: Mapping[str, Any] = {
        "directory": str(directory.resolve()),
        "counts": dict(status.counts),
        "core_hours": status.core_hours,
        "simulations": found,
    }

    def text() -> str:
        if not good:
            return f"See    cd {directory}; headrace campaign why {demonstration.campaign}"
        lines = [table(found, FIELDS, ""), ""]
        lines += [f"Trajectories  {demonstration.results}/box*/*/parts/*.xtc"]
        lines += [f"Pictures      {demonstration.results}/box*/*/quicklook.png"]
        lines += [
            f"Next          cd {directory}; headrace md status data/results/md/{names[0]}",
        ]
        return "\n".join(lines)

    display(document, text, ("directory",))
    if not keep:
        stop_services(directory)
    return 0 if good and not any(box["faults"] for box in found) else 1
