"""The run service of a project: its flows at the facility or at the hosted services."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from headrace.campaigns.driver.run_service import EndedPage, EndedRun, RunAnswer, RunRequest
from headrace.config.errors import ProjectError
from headrace.errors import HeadraceError
from headrace.project.project import Project
from headrace.runs.batch_change import cancel_runs
from headrace.runs.batch_start import BatchedRun, start_batch
from headrace.runs.ended_runs import ended_runs, output_of
from headrace.runs.input_resolution import locations_of, resolve_input
from headrace.runs.launch import PreparedRun, RunOptions, check_roots, deployed_flow, send
from headrace.runs.poller import FINAL, parse_time
from headrace.runs.run_outcomes import gone_outcome, outcome_of, read_run_if_known
from headrace.runs.run_texts import LABEL_LENGTH, TAG_LENGTH, shorten
from headrace.runs.service_connection import ServiceConnection, is_final_refusal
from headrace.runs.tags import find_tagged, tagged_runs

if TYPE_CHECKING:
    from headrace.config.lock_file import Lock
    from headrace.hosted import Services

# The clock of this machine may be ahead of the hosted service's by so much.
_CLOCK_ERROR: Final = timedelta(days=2)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Prepared:
    """A request as it is sent: names resolved."""

    request: RunRequest
    flow_id: str
    body: Mapping[str, Any]

    @property
    def label(self) -> str:
        return shorten(self.request.label, LABEL_LENGTH) or self.request.flow

    @property
    def tags(self) -> tuple[str, ...]:
        texts = (shorten(text, TAG_LENGTH) for text in self.request.tags)
        return (*filter(None, texts), self.request.tag)


class ProjectRunService:
    """Runs of a project's flows at one target, of one thread.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        connect: gives the services; asked again after they did not answer.
        project_of: returns the project as it is under another profile.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        connect: Callable[[], Services],
        project_of: Callable[[str], Project],
    ) -> None:
        self._project = project
        self._target = target
        self._connection = ServiceConnection(connect)
        self._project_of = project_of
        self._profiles: dict[str, Project] = {}

    def replace_project(self, project: Project) -> None:
        """Ask for runs of the project as it was read now, from the next one on."""
        self._project = project
        self._profiles.clear()

    # -- starts

    def start(self, requests: Sequence[RunRequest]) -> list[RunAnswer]:
        """Start runs: at a facility by a request for thousands, at the hosted service one by one.

        Raises:
            HeadraceError: no service is there, or the lock file cannot be read.
        """
        answers: list[RunAnswer] = [RunAnswer() for _ in requests]
        preparation = _Preparation(self._target, self._at)
        prepared: dict[int, _Prepared] = {}
        missing: _FlowMissing | None = None
        for n, request in enumerate(requests):
            try:
                prepared[n] = preparation.prepare(request)
            except _FlowMissing as error:
                missing = missing or error
                continue
            except _NotNow:
                continue
            except ProjectError as error:
                answers[n] = RunAnswer(problem=str(error))
        if self._target == "local":
            self._start_batches(prepared, answers)
        else:
            self._start_each(prepared, answers)
        if missing is not None and all(answer == RunAnswer() for answer in answers):
            raise missing
        return answers

    def _start_batches(self, prepared: Mapping[int, _Prepared], answers: list[RunAnswer]) -> None:
        by_flow: dict[str, list[int]] = {}
        for n, each in prepared.items():
            by_flow.setdefault(each.flow_id, []).append(n)
        for flow_id, numbers in by_flow.items():
            runs = [
                BatchedRun(each.body, each.label, each.tags, each.request.tag)
                for each in map(prepared.__getitem__, numbers)
            ]
            try:
                found = self._connection.ask(
                    lambda services, flow_id=flow_id, runs=runs: start_batch(  # type: ignore[misc]
                        services, flow_id, runs
                    )
                )
            except HeadraceError:
                if not any(each.run_id for each in answers) and len(by_flow) == 1:
                    raise
                continue  # the others' answers are not lost with it
            for n, answer in zip(numbers, found, strict=True):
                answers[n] = RunAnswer(answer.run_id, answer.problem)
                if answer.problem and prepared[n].request.may_be_sent:
                    answers[n] = self._started_before(prepared[n], answers[n])

    def _started_before(self, prepared: _Prepared, refused: RunAnswer) -> RunAnswer:
        """Return the run of a request that is refused now and was not when it was sent first."""
        request = prepared.request
        try:
            found = self._connection.ask(
                lambda services: find_tagged(services, request.tag, request.since or _LONG_AGO)
            )
        except HeadraceError:
            return RunAnswer()
        return refused if found is None else RunAnswer(str(found["run_id"]))

    def _start_each(self, prepared: Mapping[int, _Prepared], answers: list[RunAnswer]) -> None:
        resent = [each.request for each in prepared.values() if each.request.may_be_sent]
        known: Mapping[str, str] = {}
        if resent:
            # By neither flow nor label: files may have been changed and deployed anew since.
            since = min(each.since or _LONG_AGO + _CLOCK_ERROR for each in resent) - _CLOCK_ERROR
            tags = {each.tag for each in resent}
            known = self._connection.ask(lambda services: tagged_runs(services, tags, since))
        for n, each in prepared.items():
            if each.request.tag in known:
                answers[n] = RunAnswer(known[each.request.tag])
                continue
            try:
                answers[n] = self._connection.ask(
                    lambda services, each=each: _start_one(services, each)  # type: ignore[misc]
                )
            except HeadraceError:
                if not any(answer.run_id for answer in answers):
                    raise
                return  # asked for again, with what is behind it

    def _at(self, profile: str) -> Project:
        if not profile:
            return self._project
        if profile not in self._profiles:
            self._profiles[profile] = self._project_of(profile)
        return self._profiles[profile]

    # -- ends

    def ended(
        self,
        flows: Sequence[str],
        since: datetime,
        ours: Callable[[Sequence[str]], Collection[str]],
    ) -> Iterator[EndedPage]:
        """Yield the runs of some flows that have ended; see `RunService.ended`.

        Raises:
            HeadraceError: nobody answered.
        """
        ids = self._flow_ids(flows)
        if not ids:
            return
        pages = self._connection.ask(lambda services: ended_runs(services, ids, since))
        while True:
            # Each page is a request of its own.
            page = self._connection.ask(lambda _: next(pages, None))
            if page is None:
                return
            wanted = ours([str(document["run_id"]) for document in page])
            runs = [self._ended_run(each) for each in page if str(each["run_id"]) in wanted]
            yield EndedPage(runs, max(filter(None, map(_completed, page)), default=None))

    def open_runs(self, flows: Sequence[str]) -> set[str]:
        """Return the ids of all runs of some flows that have not ended.

        Raises:
            HeadraceError: nobody answered.
        """
        found = self._list(flows, "ACTIVE,INACTIVE")
        return {str(run["run_id"]) for run in found if run["status"] not in FINAL}

    def read(self, run_ids: Sequence[str]) -> list[EndedRun]:
        """Return those of some runs that have ended, by a request for each.

        Raises:
            HeadraceError: nobody answered.
        """
        found = []
        for run_id in run_ids:
            document = self._connection.ask(
                lambda services, run_id=run_id: read_run_if_known(  # type: ignore[misc]
                    services, run_id
                )
            )
            if document is None:
                found.append(EndedRun(run_id, gone_outcome()))
            elif document["status"] in FINAL:
                found.append(EndedRun(run_id, outcome_of(document), output_of(document)))
        return found

    def waiting(self, flows: Sequence[str]) -> dict[str, str]:
        """Return the runs of some flows that wait for a person, each with what it waits for.

        Raises:
            HeadraceError: nobody answered.
        """
        from headrace.runs.failure_cause import failure_cause
        from headrace.runs.web_inputs import list_web_inputs

        found = {}
        for run in self._list(flows, "INACTIVE"):
            cause = failure_cause(run)
            found[str(run["run_id"])] = cause.summary if cause else "no reason given"
        for each in self._connection.ask(list_web_inputs):
            run_id = str((each.get("run") or {}).get("id") or "")
            title = (each.get("context") or {}).get("title") or each.get("title") or "a question"
            found[run_id] = str(title)
        return found

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for the end of runs; those that have ended stay as they are.

        Raises:
            HeadraceError: nobody answered, or the service refuses.
        """
        self._connection.ask(lambda services: cancel_runs(services, run_ids))

    def endpoint_problem(self, endpoint: str, profile: str) -> str:
        """Return why an endpoint takes no tasks now, in one line; empty where it does.

        Raises:
            HeadraceError: nobody answered, or there is no such endpoint.
        """
        from headrace.diagnostics.preflight import check_endpoint

        project = self._at(profile)
        found = self._connection.ask(
            lambda services: check_endpoint(project, self._target, services, endpoint)
        )
        return f"{found.subject}: {found.message}" if found.health == "bad" else ""

    def _list(self, flows: Sequence[str], statuses: str) -> list[dict[str, Any]]:
        ids = self._flow_ids(flows)
        if not ids:
            return []
        query = {"filter_flow_id": ",".join(ids), "filter_status": statuses, "per_page": 100}
        return self._connection.ask(
            lambda services: list(services.read_items("/runs", "runs", query))
        )

    def _flow_ids(self, flows: Sequence[str]) -> list[str]:
        """Return the ids of flows that are deployed; one that is not has no runs."""
        deployed = self._project.lock().at(self._target).flows
        return [deployed[name].id for name in flows if name in deployed]

    def _ended_run(self, document: Mapping[str, Any]) -> EndedRun:
        output = output_of(document)
        run_id = str(document["run_id"])
        if output is None and document["status"] == "SUCCEEDED":
            # Lists of the hosted service may be without it.
            complete = self._connection.ask(lambda services: read_run_if_known(services, run_id))
            output = None if complete is None else output_of(complete)
        return EndedRun(run_id, outcome_of(document), output)


class _NotNow(Exception):
    """A run cannot be asked for now; it may be later."""


class _FlowMissing(ProjectError):
    """A flow is not deployed now, or is not in the project; it may be again."""


class _Preparation:
    """Preparation of many requests: what they have in common is read once.

    Args:
        target: ``local`` or ``globus``.
        project_of: returns the project under a profile.
    """

    def __init__(self, target: str, project_of: Callable[[str], Project]) -> None:
        self._target = target
        self._project_of = project_of
        self._locks: dict[str, Lock] = {}
        self._flow_ids: dict[tuple[str, str], str] = {}
        self._roots: dict[tuple[str, str], bool] = {}

    def prepare(self, request: RunRequest) -> _Prepared:
        """Resolve the names of a request.

        Raises:
            ProjectError: a name is unknown: it is refused for good.
            _FlowMissing: the flow is not deployed, and is waited for.
            _NotNow: a disk is not there.
        """
        profile = request.profile
        project = self._project_of(profile)
        if profile not in self._locks:
            self._locks[profile] = project.lock()
        flow = (profile, request.flow)
        if flow not in self._flow_ids:
            try:
                self._flow_ids[flow] = deployed_flow(project, self._target, request.flow).id
            except ProjectError as error:
                if request.waits_for_flow:
                    raise _FlowMissing(str(error)) from error
                raise
        if self._target == "local":
            for name in {location.collection for location in locations_of(request.body)}:
                if not self._has_root(project, profile, name):
                    raise _NotNow
        body = resolve_input(project, self._locks[profile], self._target, dict(request.body))
        return _Prepared(request, self._flow_ids[flow], body)

    def _has_root(self, project: Project, profile: str, name: str) -> bool:
        """Return whether a collection's disk is there; one that is unknown is refused elsewhere."""
        if name not in project.collections:
            return True
        if (profile, name) not in self._roots:
            try:
                check_roots(project, {name})
            except ProjectError:
                self._roots[profile, name] = False
            else:
                self._roots[profile, name] = True
        return self._roots[profile, name]


def _start_one(services: Services, prepared: _Prepared) -> RunAnswer:
    from globus_sdk import GlobusAPIError

    from headrace.hosted import explain

    request = prepared.request
    options = RunOptions(label=prepared.label, tags=prepared.tags)
    run = PreparedRun(request.flow, prepared.flow_id, "globus", prepared.body)
    try:
        return RunAnswer(str(send(run, services, options)["run_id"]))
    except ProjectError as error:
        return RunAnswer(problem=str(error))
    except GlobusAPIError as error:
        if is_final_refusal(error):
            return RunAnswer(problem=str(explain(error)))
        raise


def _completed(document: Mapping[str, Any]) -> datetime | None:
    return parse_time(document.get("completion_time"))
