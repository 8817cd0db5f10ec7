"""Common options of one call, and what they come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project


class Session:
    """Values of the common options of one call.

    Attributes:
        format: ``text``, ``json`` or ``unix``.
        jmespath: expression that selects from the JSON document.
        directory: where the project is looked for.
        at: the target as given.
        profile: the profile of ``headrace.toml`` as given.
    """

    def __init__(self) -> None:
        self.format = "text"
        self.jmespath: str | None = None
        self.directory: Path | None = None
        self.at: str | None = None
        self.profile: str | None = None

    @property
    def target(self) -> str:
        """The target where things run."""
        from headrace.config import resolve_target

        return resolve_target(self.at)

    def project(self) -> Project:
        """Return the project."""
        from headrace.project import load_project

        return load_project(self.directory, self.profile, self.target)

    def root(self) -> Path:
        """Return the project's root, also where its ``headrace.toml`` cannot be read."""
        from headrace.project import find_root

        return find_root(self.directory)

    def services(
        self, project: Project, *, start: bool = False, say: Callable[[str], None] | None = None
    ) -> Services:
        """Return the services of the target.

        Args:
            project: the project.
            start: whether a facility that is not running shall be started.
            say: called with a line when one is; writes to standard error by default.
        """
        from headrace.cli.termio.notes import note
        from headrace.project import connect

        return connect(project, self.target, start=start, report=say or note)


def current() -> Session:
    """Return the session of the command that runs."""
    return click.get_current_context().ensure_object(Session)
