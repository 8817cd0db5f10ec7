"""``headrace demo adjoint-sources``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from headrace.cli.commands.demo._run import deploy_and_watch
from headrace.cli.parsing.options import output_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note

EVENTS = 2


@click.command
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default="headrace-demo"
)
@click.option("--keep", is_flag=True, help="Leave the facility running at the end.")
@output_options
def adjoint_sources_command(directory: Path, keep: bool) -> int:
    """Compute adjoint sources of two example events in an MPI job, in DIRECTORY.

    Creates a project, computes observed and synthetic seismograms for two velocity models, watches
    for arrivals, copies the events in, and shows the results. A second call in the same DIRECTORY
    continues with two further events.
    """
    from headrace.cli.commands.demo._text import misfits_text
    from headrace.cli.termio.runs import ending_text
    from headrace.demos.adjoint_sources import AdjointSourcesDemonstration
    from headrace.demos.demonstration import stop_services
    from headrace.runs.run_document import run_document

    session = current()
    session.directory = directory
    demonstration = AdjointSourcesDemonstration(directory, note)
    names = demonstration.prepare(EVENTS)
    views = deploy_and_watch(partial(demonstration.watch, names=names))
    project = session.project()
    results = [directory / "data" / "results" / name for name in names]
    document = {
        "directory": str(directory.resolve()),
        "runs": [run_document(view, project, session.target) for view in views],
        "results": [str(path.resolve()) for path in results],
    }
    good = len(views) == len(names) and all(view.status == "SUCCEEDED" for view in views)

    def text() -> str:
        lines = [ending_text(view, project, session.target) for view in views]
        if good:
            lines += ["", misfits_text(results), ""]
            lines += [
                f"Adjoint sources  {directory}/data/results/*/*.adj",
                f"Figures          {directory}/data/results/*/figures/*.png",
                f"Next             cd {directory}; headrace watch   # then copy an event into "
                "data/incoming/",
                f"In a browser     cd {directory}; headrace facility up; headrace web",
            ]
        return "\n".join(lines)

    display(document, text, ("directory",))
    if not keep:
        stop_services(directory)
    return 0 if good else 1
