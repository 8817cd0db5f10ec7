"""Pictures that a run has brought back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.runs import RunView, results_of
from headrace.web.page import Part
from headrace.web.pages.run.reading import read_run
from headrace.web.view import View
from headrace.web.views.result_figures import find_figures

_SECONDS: Final = 30.0


def load_figures(view: View) -> Mapping[str, Any]:
    """Return the pictures among the results of the page's run."""
    return result_figures(view, read_run(view).run)


def result_figures(view: View, run: RunView | None) -> Mapping[str, Any]:
    """Return the pictures among the results of a run that has ended, where they are here.

    Args:
        view: the request.
        run: the run; None for none.
    """
    results = results_of(run, view.project, view.target) if run is not None and run.final else None
    directory = results.directory if results is not None else None
    if run is None or results is None or directory is None:
        return {"figures": [], "more": False, "results": ""}
    found, more = view.site.shared.get(
        ("figures", run.id), _SECONDS, lambda before: find_figures(directory)
    )
    base = results.path.rstrip("/")
    figures = [
        {
            "name": figure.path,
            "bytes": figure.bytes,
            "address": view.file_url(results.collection, f"{base}/{figure.path}"),
        }
        for figure in found
    ]
    return {"figures": figures, "more": more, "results": str(results)}


FIGURES_PART: Final = Part(
    "figures", "run/figures.html", load_figures, topics=("run:{run}",), every=60.0
)
"""The part of a run's page."""
