"""The project's status, read once for all pages that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.project_status import ProjectStatus, read_status
from headrace.project_status.run_figures import RunFigures, read_run_figures

if TYPE_CHECKING:
    from headrace.web.view import View

# No page shows a status that is older, and no number of open pages has it read more often.
_SECONDS: Final = 2.0


def read_shared_status(view: View) -> ProjectStatus:
    """Return the status of the project, at most two seconds old.

    Args:
        view: the request.
    """
    return view.site.shared.get(
        "status", _SECONDS, lambda before: read_status(view.project, view.target)
    )


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
