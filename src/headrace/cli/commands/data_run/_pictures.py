"""Pictures of a data run's histograms, drawn anew from its results."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from headrace.cli.parsing.session import Session


def draw_run(
    session: Session, run: str, output: Path | None, only: Sequence[str]
) -> tuple[str, tuple[Path, ...]]:
    """Draw the histograms of a run.

    Args:
        session: the command's session.
        run: name or number of a data run whose results are on this machine, or a ROOT file.
        output: directory for the pictures; None takes one named after the run, here.
        only: shell patterns of the histograms that are wanted; all without any.

    Returns:
        What was drawn, and the pictures.

    Raises:
        HeadraceError: there is no such run, it has no results here, or nothing fits the patterns.
    """
    from headrace.config import ProjectError

    title, file = (Path(run).stem, Path(run)) if run.endswith(".root") else _results(session, run)
    try:
        from headrace.datarun.analysis import read_histograms
        from headrace.datarun.analysis.figures import draw
    except ImportError as error:
        raise ProjectError(
            f"{error.name} is not installed: pip install 'headrace[datarun]'"
        ) from error
    histograms = read_histograms(file)
    chosen = {
        name: histogram
        for name, histogram in histograms.items()
        if not only or any(fnmatchcase(name, pattern) for pattern in only)
    }
    if not chosen:
        known = ", ".join(sorted(histograms)[:5]) or "none"
        raise ProjectError(f"{file}: no histogram fits {' '.join(only)}; it has {known} ...")
    return title, draw(chosen, output or Path(f"{title}-pictures"), title)


def _results(session: Session, name: str) -> tuple[str, Path]:
    from headrace.config import ProjectError
    from headrace.pipeline_status import DataRuns

    project = session.project()
    run = DataRuns(project, session.target).find(session.services(project), name)
    files = sorted(run.directory.glob("*.root")) if run.directory else []
    if not files:
        where = f"; they are at {run.results}" if run.results else ""
        raise ProjectError(f"{run.name} ({run.status}) has no histograms on this machine{where}")
    return run.name, files[0]
