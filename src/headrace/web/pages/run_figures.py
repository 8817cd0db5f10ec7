"""Figures of runs, read once for all pages that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.project_status.run_figures import RunFigures, read_run_figures

if TYPE_CHECKING:
    from headrace.web.view import View

# No page shows figures that are older, and no number of open pages has them read more often.
_SECONDS: Final = 2.0


def read_figures(view: View) -> RunFigures:
    """Return the figures of the project's runs, at most two seconds old.

    Args:
        view: the request.

    Raises:
        HeadraceError: the services do not answer.
    """
    return view.site.shared.get(
        "figures",
        _SECONDS,
        lambda before: view.ask(
            lambda services: read_run_figures(view.project, view.target, services)
        ),
    )
