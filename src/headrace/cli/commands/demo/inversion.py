"""``headrace demo inversion``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headrace.cli.commands.demo._run import deploy_and_watch
from headrace.cli.parsing.options import output_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note


@click.command
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default="headrace-inversion"
)
@click.option("--keep", is_flag=True, help="Leave the facility running at the end.")
@output_options
def inversion_command(directory: Path, keep: bool) -> int:
    """Run a full-waveform inversion of a checkerboard model, in DIRECTORY.

    Creates a project with eight events and twenty-four stations, watches for iterations, publishes
    the first one, and shows how far the last model is from the true one. A second call in the same
    DIRECTORY continues where the first one was interrupted.
    """
    from headrace.cli.termio.runs import ending_text
    from headrace.demos.demonstration import stop_services
    from headrace.demos.inversion import InversionDemonstration
    from headrace.runs.run_document import run_document

    session = current()
    session.directory = directory
    demonstration = InversionDemonstration(directory, note)
    demonstration.prepare()
    views = deploy_and_watch(demonstration.watch)
    project = session.project()
    outcome = demonstration.outcome()
    document = {**outcome, "runs": [run_document(view, project, session.target) for view in views]}
    failed = [view for view in views if view.status != "SUCCEEDED"]

    def text() -> str:
        lines = [ending_text(view, project, session.target) for view in failed]
        return "\n".join([*lines, _outcome_text(directory, outcome)])

    display(document, text, ("directory", "state", "model_error"))
    if not keep:
        stop_services(directory)
    return 0 if outcome["state"] == "finished" else 1


def _outcome_text(directory: Path, outcome: dict[str, Any]) -> str:
    """Return the outcome of the inversion as text."""
    from headrace.cli.commands.inversion._text import iterations_text

    lines = []
    if outcome["iterations"]:
        lines += [iterations_text(outcome), ""]
    if outcome["model_error"] is not None:
        lines.append(f"Model error  {100.0 * outcome['model_error']:.1f} % of the first model's")
    home = outcome["inversion"]
    lines += [
        f"Inversion    {outcome['state']}{': ' + outcome['reason'] if outcome['reason'] else ''}",
        f"Models       {home}/models/*.h5",
        f"Pictures     {home}/iterations/*/results/pictures/*.png",
        f"Next         headrace inversion status {directory}",
    ]
    return "\n".join(lines)
