"""A project as Python programs use it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.config import resolve_target
from headrace.project import load_project
from headrace.python_api.run import Run

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.python_api.campaign import Campaign


class Project:
    """A project: its flows are deployed and started, and what they made is read.

    A facility that is not running is started when it is needed.

    Args:
        path: the directory with ``headrace.toml``, or one below; ``HEADRACE_PROJECT``, else
            the working directory by default.
        at: the target, ``local`` or ``globus``; ``HEADRACE_AT``, else ``local`` by default.
        profile: a ``[profiles.NAME]`` of ``headrace.toml``.

    Attributes:
        target: ``local`` or ``globus``.

    Raises:
        ProjectError: there is no project, or its configuration is not as it must be.

    Example:
        >>> project = headrace.Project("resistivity")  # doctest: +SKIP
        >>> project.deploy()  # doctest: +SKIP
        >>> run = project.start("say", {"word": "hello"}).wait()  # doctest: +SKIP
        >>> run.output["said"]  # doctest: +SKIP
    """

    def __init__(
        self, path: str | Path | None = None, *, at: str | None = None, profile: str | None = None
    ) -> None:
        self.target = resolve_target(at)
        given = path or os.environ.get("HEADRACE_PROJECT") or None
        self._project = load_project(None if given is None else Path(given), profile, self.target)

    def __repr__(self) -> str:
        return f"Project({str(self.root)!r}, at={self.target!r})"

    @property
    def root(self) -> Path:
        """The absolute path of its directory."""
        return self._project.root

    @property
    def name(self) -> str:
        """Its name."""
        return self._project.name

    def deploy(self, *names: str, prune: bool = False) -> list[dict[str, Any]]:
        """Deploy flows and functions, as ``headrace deploy`` does.

        Args:
            names: of flows and functions; all by default.
            prune: whether what the project no longer has is removed from the service.

        Returns:
            What was changed: ``kind``, ``name``, ``change`` and ``id`` of each.

        Raises:
            ProjectError: a flow has a mistake, or a name is unknown.
        """
        from headrace.deploy import DeploySelection, apply, deploying, plan
        from headrace.triggers import load_triggers_and_errors
        from headrace.triggers.hosted_timers import hosted_timers

        project = self._project
        services = self._services()
        roots = {name: collection.root for name, collection in project.collections.items()}
        with deploying(project):
            timers = (
                hosted_timers(project, load_triggers_and_errors(project.triggers_dir, roots)[0])
                if self.target == "globus"
                else []
            )
            planned = plan(
                project, self.target, services, DeploySelection(names, prune, None), timers
            )
            apply(planned, project, services, lambda step: None)
        return [step.document() for step in planned.changes]

    def start(
        self,
        flow: str,
        body: Mapping[str, Any] | None = None,
        *,
        label: str | None = None,
        tags: Sequence[str] = (),
        preflight: bool = False,
    ) -> Run:
        """Start a run of a deployed flow.

        Args:
            flow: the flow's name.
            body: its input, in which names of collections, endpoints and functions may stand.
            label: what to call the run; the flow's name by default.
            tags: words to find it by.
            preflight: whether endpoints and collections are checked first.

        Raises:
            ProjectError: the flow is unknown or not deployed, or the input does not fit.
        """
        from headrace.runs import RunOptions, prepare, send

        given = dict(body or {})
        prepared = prepare(self._project, self.target, flow, given)
        services = self._services()
        if preflight:
            from headrace.diagnostics.preflight import preflight as look_first

            look_first(self._project, self.target, services, flow, given)
        options = RunOptions(label, tuple(tags))
        # A lost answer is looked up, so that one call starts one run.
        document = send(prepared, services, options, wait_for_service=True)
        return Run(self._project, self.target, str(document["run_id"]))

    def run(self, run_id: str = "last") -> Run:
        """Return a run.

        Args:
            run_id: its id, the beginning of one, or ``last``.

        Raises:
            ProjectError: no run or more than one is meant.
        """
        from headrace.runs.query import find_run

        return Run(self._project, self.target, find_run(self._services(), run_id))

    def campaign(self, name: str) -> Campaign:
        """Return a campaign.

        Args:
            name: its name; ``headrace campaign init NAME`` makes one.

        Raises:
            CampaignError: there is none of this name.
        """
        from headrace.python_api.campaign import Campaign

        return Campaign(self._project, self.target, name)

    def campaigns(self) -> list[str]:
        """Return the names of its campaigns."""
        from headrace.campaigns import campaign_names

        return campaign_names(self.root)

    def _services(self) -> Services:
        from headrace.project import connect

        return connect(self._project, self.target, start=True)
