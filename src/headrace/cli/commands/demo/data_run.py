"""``headrace demo data-run``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from headrace.cli.commands.demo._run import deploy_and_watch
from headrace.cli.parsing.options import output_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note

RUNS = 1


@click.command
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default="headrace-demo"
)
@click.option("--keep", is_flag=True, help="Leave the facility running at the end.")
@output_options
def data_run_command(directory: Path, keep: bool) -> int:
    """Fit and analyse the segments of an example data run, in DIRECTORY.

    Creates a project, writes a run as a data acquisition does (4 segments, 8 channels, pile-up,
    noise), watches for its end, copies it in segment by segment, and shows the ROOT files and
    pictures. A second call in the same DIRECTORY continues with a further run.
    """
    from headrace.cli.commands.data_run._text import data_runs_text
    from headrace.cli.termio.runs import ending_text
    from headrace.demos.data_run import DataRunDemonstration
    from headrace.demos.demonstration import stop_services
    from headrace.pipeline_status import DataRuns
    from headrace.runs.run_document import run_document

    session = current()
    session.directory = directory
    demonstration = DataRunDemonstration(directory, note)
    names = demonstration.prepare(RUNS)
    views = deploy_and_watch(partial(demonstration.watch, names=names))
    project = session.project()
    found = DataRuns(project, session.target).poll(session.services(project))
    results = [run.directory for run in found if run.name in names and run.directory]
    pictures = [path for folder in results for path in sorted(folder.rglob("*.png"))]
    document = {
        "directory": str(directory.resolve()),
        "runs": [run_document(view, project, session.target) for view in views],
        "data_runs": [run.document() for run in found if run.name in names],
        "results": [str(path.resolve()) for path in results],
        "pictures": [str(path.resolve()) for path in pictures],
    }
    good = len(views) == len(names) and all(view.status == "SUCCEEDED" for view in views)

    def text() -> str:
        if not good:
            return "\n".join(ending_text(view, project, session.target) for view in views)
        lines = [data_runs_text(found), ""]
        for folder in results:
            lines += [f"Pictures    {path}" for path in sorted(folder.glob("*-pictures"))]
            lines += [f"Histograms  {path}" for path in sorted(folder.glob("*.root"))]
        lines += [f"Next        cd {directory}; headrace watch   # then copy a run into data/runs/"]
        return "\n".join(lines)

    display(document, text, ("directory",))
    if not keep:
        stop_services(directory)
    return 0 if good else 1
