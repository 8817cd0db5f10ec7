"""Requests and output that several verbs of ``headrace endpoint`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project


def project_and_services() -> tuple[Project, Services | None]:
    """Return the project, and its services where they can be reached."""
    from headrace.errors import HeadraceError

    session = current()
    project = session.project()
    try:
        return project, session.services(project)
    except HeadraceError:
        return project, None  # no facility, no login: what this machine knows is shown anyway


def display_change(name: str, what: str, more: str = "") -> None:
    """Show an endpoint after a change.

    Args:
        name: the endpoint.
        what: what was done to it.
        more: details for people.
    """
    from headrace.endpoints.status import endpoint_document

    session = current()
    row: dict[str, Any] = endpoint_document(session.project(), name, session.target, None)
    line = f"Endpoint {name} {what}{f': {more}' if more else '.'}"
    display({**row, "done": what}, line, ("name", "done", "id"))
