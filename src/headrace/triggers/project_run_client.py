"""The run client of a project: starts and finds the runs of arrivals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.config.errors import ProjectError
from headrace.project.project import Project
from headrace.runs.ended_runs import ended_runs, newest_completion, output_of
from headrace.runs.input_resolution import locations_of
from headrace.runs.launch import check_roots, deployed_flow, start
from headrace.runs.run_texts import LABEL_LENGTH, TAG_LENGTH, shorten
from headrace.runs.service_connection import ServiceConnection, is_final_refusal
from headrace.runs.tags import find_tagged
from headrace.triggers.run_end import DEPTH_TAG, run_end_from_document

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.runs.run_outcomes import RunOutcome
    from headrace.triggers import Arrival, Trigger
    from headrace.triggers.run_end import RunEnd

T = TypeVar("T")


class ProjectRunClient:
    """Starts runs of the project's flows at one target, from any thread.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        connect: gives the services; asked again after they did not answer.
        arrival_of: returns trigger and arrival that a tag was made for, where that is known.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        connect: Callable[[], Services],
        arrival_of: Callable[[str], tuple[Trigger, Arrival] | None] = lambda tag: None,
    ) -> None:
        self._project = project
        self._target = target
        self._connection = ServiceConnection(connect)
        self._arrival_of = arrival_of

    @property
    def project(self) -> Project:
        """The project."""
        return self._project

    def replace_project(self, project: Project) -> None:
        """Start runs of the project as it was read now, from the next one on."""
        self._project = project

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        """Start the run of an arrival.

        Args:
            trigger: which flow, with which input.
            arrival: what arrived.
            tag: marks the run, so that :meth:`find` finds it when the answer is lost.

        Returns:
            The run's id.

        Raises:
            StartRefused: it is refused for good: the flow, a name in its input or the input itself
                is wrong, or the service says so.
            HeadraceError: it could not be started, or its answer was lost.
        """
        from globus_sdk import GlobusAPIError

        from headrace.hosted import explain
        from headrace.triggers import StartRefused, render_input

        body = render_input(trigger.input, arrival)
        tags = run_tags(trigger, arrival)
        if self._target == "local":
            # A disk that is not mounted comes back.
            check_roots(self._project, self._known_collections(body))

        def send(services: Services) -> str:
            try:
                run = start(
                    self._project,
                    self._target,
                    services,
                    trigger.flow,
                    body,
                    label=run_label(trigger, arrival),
                    tags=[*tags, shorten(tag, TAG_LENGTH)],
                    request_id=shorten(tag, TAG_LENGTH),
                )
            except ProjectError as error:
                raise StartRefused(str(error)) from error
            except GlobusAPIError as error:
                if is_final_refusal(error):
                    raise StartRefused(str(explain(error))) from error
                raise
            return str(run["run_id"])

        return self.with_services(send)

    def find(self, tag: str, since: datetime) -> str | None:
        """Return the id of the run that carries a tag.

        The hosted service is asked for the runs of the flow that have the label that was given
        with the tag, and then for all: the flow may have been deployed anew since, or the trigger
        changed.

        Args:
            tag: the tag.
            since: when it can have been started at the earliest.

        Raises:
            HeadraceError: the services cannot be asked.
        """
        narrowed = self._narrowed(tag)

        def search(services: Services) -> str | None:
            text = shorten(tag, TAG_LENGTH)
            run = find_tagged(services, text, since, **narrowed)
            if run is None and narrowed and not services.is_facility:
                run = find_tagged(services, text, since)
            return None if run is None else str(run["run_id"])

        return self.with_services(search)

    def outcomes(self, run_ids: Sequence[str]) -> Mapping[str, RunOutcome]:
        """Return the outcomes of those runs that have ended, by their ids.

        Args:
            run_ids: the runs.

        Raises:
            HeadraceError: the services cannot be asked.
        """
        from headrace.runs.run_outcomes import read_outcomes

        return self.with_services(lambda services: read_outcomes(services, run_ids))

    def find_retry(self, run_id: str) -> str | None:
        """Return the id of the run that took up a failed run: the last, or that which succeeded.

        Args:
            run_id: the failed run.

        Raises:
            StartRefused: the service has the failed run no more.
            HeadraceError: the services cannot be asked.
        """
        from headrace.runs.retry_chains import read_retry_chains

        def search(services: Services) -> str | None:
            document = _read_run(services, run_id)
            chains = read_retry_chains(services, self._target, [document])
            found = chains.mended_by(run_id) or chains.last_attempt(run_id)
            return None if found is None else str(found["run_id"])

        return self.with_services(search)

    def retry(self, run_id: str, tag: str) -> str:
        """Start a run that takes up a failed one, and return its id.

        Args:
            run_id: the failed run.
            tag: the tag of its arrival; a facility starts one run for it, however often it asks.

        Raises:
            HeadraceError: it could not be started, or its answer was lost.
        """
        from headrace.runs.query import retry_run

        def send(services: Services) -> str:
            request_id = shorten(tag, TAG_LENGTH)
            document = retry_run(services, self._target, run_id, request_id=request_id)
            return str(document["run_id"])

        return self.with_services(send)

    def newest_end(self, flows: Sequence[str]) -> datetime | None:
        """Return when the run of some flows that ended last did; None where none has.

        Args:
            flows: names of flows of the project.

        Raises:
            HeadraceError: the services cannot be asked, or a flow is not deployed.
        """
        ids = self._flow_ids(flows)
        return self.with_services(lambda services: newest_completion(services, [*ids]))

    def read_ends(
        self, flows: Sequence[str], since: datetime, take: Callable[[Sequence[RunEnd]], bool]
    ) -> None:
        """Read the runs of some flows that have ended, in the order in which they did.

        Args:
            flows: names of flows of the project.
            since: when they ended at the earliest, by the service's clock.
            take: called with some of them after the other; false where no more are wanted.

        Raises:
            HeadraceError: the services cannot be asked, or a flow is not deployed.
        """
        ids = self._flow_ids(flows)

        def read(services: Services) -> None:
            for documents in ended_runs(services, [*ids], since):
                if not take([run_end_from_document(document, ids) for document in documents]):
                    return

        self.with_services(read)

    def read_output(self, run_id: str) -> Any:
        """Return the output of a run that has ended; None where it has none, or is there no more.

        Args:
            run_id: the run.

        Raises:
            HeadraceError: the services cannot be asked.
        """
        return self.with_services(lambda services: output_of(_read_run(services, run_id)))

    def _flow_ids(self, flows: Sequence[str]) -> dict[str, str]:
        return flow_names(self._project, self._target, flows)

    def _narrowed(self, tag: str) -> dict[str, str]:
        known = self._arrival_of(tag)
        if known is None:
            return {}
        trigger, arrival = known
        label = run_label(trigger, arrival)
        # Earlier versions cut long labels otherwise.
        narrowed = {"label": label} if len(label) < LABEL_LENGTH else {}
        deployed = self._project.lock().at(self._target).flows.get(trigger.flow)
        if deployed is not None:
            narrowed["flow_id"] = deployed.id
        return narrowed

    def _known_collections(self, body: Any) -> set[str]:
        return {location.collection for location in locations_of(body)} & set(
            self._project.collections
        )

    def with_services(self, ask: Callable[[Services], T]) -> T:
        """Call with the services of the target, and return the answer.

        Raises:
            HeadraceError: they cannot be asked.
        """
        return self._connection.ask(ask)


def flow_names(project: Project, target: str, flows: Sequence[str]) -> dict[str, str]:
    """Return the names of flows by their ids at a target.

    Raises:
        ProjectError: one is unknown or not deployed.
    """
    return {deployed_flow(project, target, name).id: name for name in flows}


def _read_run(services: Services, run_id: str) -> dict[str, Any]:
    from headrace.runs.run_outcomes import read_run_if_known
    from headrace.triggers import StartRefused

    document = read_run_if_known(services, run_id)
    if document is None:
        raise StartRefused(f"run {run_id}, which failed, was deleted meanwhile")
    return document


def run_label(trigger: Trigger, arrival: Arrival) -> str:
    """Return the label of an arrival's run."""
    from headrace.triggers import render_input

    return shorten(str(render_input(trigger.label, arrival)), LABEL_LENGTH)


def run_tags(trigger: Trigger, arrival: Arrival) -> tuple[str, ...]:
    """Return the tags of an arrival's run, but for the one that marks it."""
    from headrace.triggers import render_input

    texts = render_input(list(trigger.tags), arrival)
    texts += [f"{DEPTH_TAG}{arrival.chain_depth}"] if arrival.chain_depth else []
    return tuple(cut for cut in (shorten(text, TAG_LENGTH) for text in texts) if cut)
