"""``headrace demo``: a pipeline at work, from nothing to its results."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.help import group
from headrace.cli.options import current, output_options
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note

EVENTS = 2
RUNS = 1


@group()
def demo() -> None:
    """Show a pipeline at work, with data that it makes itself."""


@demo.command("adjoint-sources")
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default="headrace-demo"
)
@click.option("--keep", is_flag=True, help="Leave the facility running at the end.")
@output_options
def adjoint_sources(directory: Path, keep: bool) -> int:
    """Carry the waveforms of two events to an MPI job and back, in DIRECTORY.

    Makes a project, computes observed and synthetic seismograms for two velocity models, watches
    for arrivals, copies the events in, and shows what comes back. A second call in the same
    DIRECTORY goes on with two further events.
    """
    from headrace.cli.demonstration import Demonstration, table_of_misfits
    from headrace.cli.following import ending
    from headrace.cli.termio.runs import ending_text

    session = current()
    session.directory = directory
    demonstration = Demonstration(directory, note)
    names = demonstration.prepare(EVENTS)
    views = demonstration.carry(session, names)
    project = session.project()
    results = [directory / "data" / "results" / name for name in names]
    document = {
        "directory": str(directory.resolve()),
        "runs": [ending(view, project, session.place) for view in views],
        "results": [str(path.resolve()) for path in results],
    }
    good = len(views) == len(names) and all(view.status == "SUCCEEDED" for view in views)

    def text() -> str:
        lines = [ending_text(view, project, session.place) for view in views]
        if good:
            lines += ["", table_of_misfits(results), ""]
            lines += [
                f"Adjoint sources  {directory}/data/results/*/*.adj",
                f"Figures          {directory}/data/results/*/figures/*.png",
                f"Next             cd {directory}; headrace watch   # then copy an event into "
                "data/incoming/",
            ]
        return "\n".join(lines)

    display(document, text, ("directory",))
    if not keep:
        demonstration.stop()
    return 0 if good else 1


@demo.command("data-run")
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default="headrace-demo"
)
@click.option("--keep", is_flag=True, help="Leave the facility running at the end.")
@output_options
def data_run(directory: Path, keep: bool) -> int:
    """Carry a run's segments to fits, ROOT files and pictures, in DIRECTORY.

    Makes a project, writes a run as a data acquisition does (4 segments, 8 channels, pile-up,
    noise), watches for its end, copies it in segment by segment, and shows what comes back. A
    second call in the same DIRECTORY goes on with a further run.
    """
    from headrace.cli.data_runs import DataRuns
    from headrace.cli.demonstration import DataRunDemonstration
    from headrace.cli.following import ending
    from headrace.cli.termio.data_runs import data_runs_text
    from headrace.cli.termio.runs import ending_text

    session = current()
    session.directory = directory
    demonstration = DataRunDemonstration(directory, note)
    names = demonstration.prepare(RUNS)
    views = demonstration.carry(session, names)
    project = session.project()
    found = DataRuns(session, project).look(session.services(project))
    results = [run.directory for run in found if run.name in names and run.directory]
    pictures = [path for place in results for path in sorted(place.rglob("*.png"))]
    document = {
        "directory": str(directory.resolve()),
        "runs": [ending(view, project, session.place) for view in views],
        "data_runs": [run.document() for run in found if run.name in names],
        "results": [str(path.resolve()) for path in results],
        "pictures": [str(path.resolve()) for path in pictures],
    }
    good = len(views) == len(names) and all(view.status == "SUCCEEDED" for view in views)

    def text() -> str:
        if not good:
            return "\n".join(ending_text(view, project, session.place) for view in views)
        lines = [data_runs_text(found), ""]
        for place in results:
            lines += [f"Pictures    {path}" for path in sorted(place.glob("*-pictures"))]
            lines += [f"Histograms  {path}" for path in sorted(place.glob("*.root"))]
        lines += [f"Next        cd {directory}; headrace watch   # then copy a run into data/runs/"]
        return "\n".join(lines)

    display(document, text, ("directory",))
    if not keep:
        demonstration.stop()
    return 0 if good else 1


@demo.command("inversion")
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default="headrace-inversion"
)
@click.option("--keep", is_flag=True, help="Leave the facility running at the end.")
@output_options
def inversion(directory: Path, keep: bool) -> int:
    """Invert a checkerboard by waveforms, iteration after iteration, in DIRECTORY.

    Makes a project with eight events and twenty-four stations, watches for iterations, publishes
    the first one, and shows how far the last model is from the true one. A second call in the same
    DIRECTORY goes on where the first one was broken off.
    """
    from headrace.cli.following import ending
    from headrace.cli.inversion_demonstration import InversionDemonstration
    from headrace.cli.termio.runs import ending_text

    session = current()
    session.directory = directory
    demonstration = InversionDemonstration(directory, note)
    demonstration.prepare()
    views = demonstration.carry(session)
    project = session.project()
    told = demonstration.outcome()
    document = {**told, "runs": [ending(view, project, session.place) for view in views]}
    failed = [view for view in views if view.status != "SUCCEEDED"]

    def text() -> str:
        lines = [ending_text(view, project, session.place) for view in failed]
        return "\n".join([*lines, demonstration.text(told)])

    display(document, text, ("directory", "state", "model_error"))
    if not keep:
        demonstration.stop()
    return 0 if told["state"] == "finished" else 1
