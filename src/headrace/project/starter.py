"""Starts the runs that triggers ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from headrace.project.project import Project
from headrace.project.start import start

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.triggers import Arrival, Trigger

T = TypeVar("T")
# A run may be called so much; names of files are longer at times.
_LABEL_LENGTH: Final = 64


class ProjectStarter:
    """Starts runs of the project's flows at one place; made for one thread.

    Args:
        project: the project.
        place: ``local`` or ``globus``.
        connect: gives the services; asked again after they did not answer.
    """

    def __init__(self, project: Project, place: str, connect: Callable[[], Services]) -> None:
        self._project = project
        self._place = place
        self._connect = connect
        self._services: Services | None = None

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        """Starts the run of an arrival.

        Args:
            trigger: which flow, with which input.
            arrival: what arrived.
            tag: marks the run, so that :meth:`find` finds it when the answer is lost.

        Returns:
            The run's id.

        Raises:
            HeadraceError: it could not be started, or its answer was lost.
        """
        from headrace.triggers import render_input

        def send(services: Services) -> str:
            run = start(
                self._project,
                self._place,
                services,
                trigger.flow,
                render_input(trigger.input, arrival),
                label=_label(render_input(trigger.label, arrival)),
                tags=[*render_input(list(trigger.tags), arrival), tag],
            )
            return str(run["run_id"])

        return self._with_services(send)

    def find(self, tag: str, since: datetime) -> str | None:
        """Returns the id of the run that carries a tag.

        Args:
            tag: the tag.
            since: when it can have been started at the earliest.

        Raises:
            HeadraceError: the services cannot be asked.
        """
        moment = since.astimezone(UTC).isoformat()

        def look(services: Services) -> str | None:
            pages = services.flows.paginated.list_runs(
                query_params={"filter_start_time": f"{moment},", "per_page": 100}
            )
            runs = (run for run in pages.items() if tag in (run.get("tags") or ()))
            return next((str(run["run_id"]) for run in runs), None)

        return self._with_services(look)

    def _with_services(self, ask: Callable[[Services], T]) -> T:
        from globus_sdk import GlobusError

        from headrace.hosted import explain

        services = self._services or self._connect()
        self._services = None
        try:
            answer = ask(services)
        except GlobusError as error:
            raise explain(error) from error
        self._services = services
        return answer


def _label(text: Any) -> str:
    label = str(text)
    return label if len(label) <= _LABEL_LENGTH else f"{label[: _LABEL_LENGTH - 1]}…"
