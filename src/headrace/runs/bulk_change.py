"""Change many runs: cancel, retry, hold, delete and more; one that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.terminal_text import terminal_text
from headrace.config.errors import ProjectError
from headrace.errors import HeadraceError
from headrace.project.project import Project
from headrace.runs.batch_change import RUNS_OF_A_REQUEST, send_change
from headrace.runs.change_effect import unchanged_reason, with_effect
from headrace.runs.change_record import ChangeRecord, ChangeRecords
from headrace.runs.launch import refuse_unlisted
from headrace.runs.parallel_requests import ParallelRequests
from headrace.runs.poller import FINAL, RunView
from headrace.runs.query import resume_run, retry_run
from headrace.runs.retry_chains import RetryChains, retried_run_id
from headrace.runs.selection import RunSelector, SelectedRuns, Selection

if TYPE_CHECKING:
    from headrace.hosted import Services

Document = Mapping[str, Any]

# Changes that one request makes for many runs.
_BY_BATCH: Final = frozenset({"cancel", "tag", "hold", "release"})
# The clock of this machine may be ahead of the hosted service's by so much.
_CLOCK_ERROR: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class ChangeOutcome:
    """Outcome of a change for one run.

    Attributes:
        run_id: the run.
        status: ``changed``, ``skipped`` or ``failed``.
        message: what was done, or why not, in one line.
        new_run_id: the run that takes it up, where it was retried.
        is_known: whether that is known; a service may have done what it failed to answer.
    """

    run_id: str
    status: str
    message: str
    new_run_id: str | None = None
    is_known: bool = True

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {name: value for name, value in vars(self).items() if name != "is_known"}


@dataclass(frozen=True)
class RunChange:
    """A change that is wanted of runs.

    Attributes:
        verb: ``cancel``, ``retry``, ``resume``, ``delete``, ``tag``, ``hold`` or ``release``.
        arguments: the words by which it was asked for.
        options: of the retry: ``state``, ``latest``, ``label``.
        again: whether runs that a retry has mended are retried as well.
        add_tags: tags that the runs get.
        remove_tags: tags that they lose.
    """

    verb: str
    arguments: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    again: bool = False
    add_tags: Sequence[str] = ()
    remove_tags: Sequence[str] = ()


def refuse_unsupported(verb: str, target: str) -> None:
    """Refuse a change that the service of a target cannot make.

    Raises:
        ProjectError: it cannot.
    """
    if verb in ("hold", "release") and target != "local":
        raise ProjectError(
            f"run {verb}: the hosted Flows service has no call that holds a run or releases one: "
            f"`headrace run cancel RUN --at {target}` ends it, and `headrace run retry RUN --at "
            f"{target}` begins its flow again later"
        )


def retry_refusal(chains: RetryChains, run_id: str) -> str:
    """Return why a run is not retried once more: it was mended, or is being; empty otherwise."""
    mended = chains.mended_by(run_id)
    if mended is not None:
        return f"mended by {mended['run_id']}"
    running = chains.running_retry(run_id)
    return f"taken up by {running['run_id']}, which goes on" if running is not None else ""


def with_unfinished(
    selected: SelectedRuns, unfinished: ChangeRecord, selector: RunSelector
) -> SelectedRuns:
    """Return selected runs together with those of an interrupted retry.

    Args:
        selected: what is chosen now. A run that takes up one of the interrupted retry is left out:
            it is one item with it.
        unfinished: the interrupted retry.
        selector: finds its runs.
    """
    earlier = selector.select(Selection(ids=tuple(unfinished.run_ids)))
    known = set(unfinished.run_ids)
    more = [
        each
        for each in selected.documents
        if str(each["run_id"]) not in known and retried_run_id(each) not in known
    ]
    missing = dict.fromkeys([*earlier.missing, *selected.missing])
    return SelectedRuns([*earlier.documents, *more], [*missing])


class RunChanger:
    """Changes runs, a record of which lets an interrupted change be finished once.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        records: where the last change is kept.
    """

    def __init__(
        self, project: Project, target: str, services: Services, records: ChangeRecords
    ) -> None:
        self._target = target
        self._services = services
        self._records = records
        self._requests = ParallelRequests(project, target)

    def change(
        self,
        wanted: RunChange,
        documents: Sequence[Document],
        chains: RetryChains,
        *,
        by_id: bool = False,
        unfinished: ChangeRecord | None = None,
    ) -> Iterator[ChangeOutcome]:
        """Change runs and yield the outcome of each.

        Args:
            wanted: the change.
            documents: the runs.
            chains: the runs that take them up.
            by_id: whether the runs are named by their ids: one whose retry failed is retried then.
            unfinished: the same change, interrupted earlier; what it has done is not done again,
                and is undone together with what is left of it.
        """
        run_ids = [str(each["run_id"]) for each in documents]
        record = ChangeRecord(
            wanted.verb,
            self._target,
            wanted.arguments,
            run_ids,
        )
        if unfinished is not None:
            record = replace(unfinished, run_ids=[*dict.fromkeys([*unfinished.run_ids, *run_ids])])
        if wanted.verb in _BY_BATCH:
            # Those that it leaves as they are are left by its undoing, too.
            record = with_effect(record, wanted.add_tags, wanted.remove_tags, documents)
        self._records.write(record)
        outcomes: Iterator[ChangeOutcome]
        if wanted.verb in _BY_BATCH:
            outcomes = self._batches(wanted, documents)
        elif wanted.verb == "retry":
            done = unfinished is not None
            outcomes = self._retries(wanted, documents, chains, record, by_id=by_id, resumed=done)
        else:
            work = {"resume": self._resume, "delete": _delete}[wanted.verb]
            outcomes = self._each(work, documents)
        new_runs: dict[str, str] = {}
        for outcome in outcomes:
            if outcome.new_run_id is not None and outcome.status == "changed":
                new_runs[outcome.run_id] = outcome.new_run_id
            yield outcome
        self._records.write(replace(record, finished=True, new_runs=new_runs))

    def _each(
        self, work: Callable[[Services, Document], ChangeOutcome], documents: Sequence[Document]
    ) -> Iterator[ChangeOutcome]:
        def change(services: Services, document: Document) -> ChangeOutcome:
            return _outcome_of(work, services, document)

        return self._requests.map(change, documents)

    def _retries(
        self,
        wanted: RunChange,
        documents: Sequence[Document],
        chains: RetryChains,
        record: ChangeRecord,
        *,
        by_id: bool,
        resumed: bool,
    ) -> Iterator[ChangeOutcome]:
        def retry(services: Services, document: Document) -> ChangeOutcome:
            run_id = str(document["run_id"])
            own = self.earlier_retry(chains, run_id, record) if resumed else None
            if own is not None:
                return ChangeOutcome(run_id, "changed", f"retried as {own}", own)
            if resumed and self._target != "local":
                refuse_unlisted(datetime.fromisoformat(record.started_at))
            if reason := self._skip_reason(wanted, chains, document, by_id):
                return ChangeOutcome(run_id, "skipped", reason)
            # At the hosted service each name costs a look through runs; theirs are told apart by
            # the times at which they began.
            name = record.id if self._target == "local" else ""
            new = retry_run(services, self._target, run_id, request_id=name, **dict(wanted.options))
            note = (new.get("retry_of") or {}).get("note", "")
            message = f"retried as {new['run_id']}" + (f" ({note})" if note else "")
            return ChangeOutcome(run_id, "changed", message, new["run_id"])

        return self._each(retry, documents)

    def _skip_reason(
        self, wanted: RunChange, chains: RetryChains, document: Document, by_id: bool
    ) -> str:
        run_id = str(document["run_id"])
        running = chains.running_retry(run_id)
        if wanted.again and running is None:
            return ""
        if refusal := retry_refusal(chains, run_id):
            return refusal
        # A chain of retries is one item: the last of its runs stands for it.
        last = chains.last_attempt(run_id)
        if last is not None and not by_id:
            return f"taken up by {last['run_id']}, {last['status']}: that one is retried, or none"
        # Retried as well, the same conditions would restart it each time that they are given.
        mended = retried_run_id(document)
        if mended is not None and document["status"] == "SUCCEEDED" and not by_id:
            return f"it has succeeded in the place of {mended}: --again retries it all the same"
        return ""

    def earlier_retry(self, chains: RetryChains, run_id: str, record: ChangeRecord) -> str | None:
        """Return the run by which the interrupted change took up a run; None where none is."""
        since = datetime.fromisoformat(record.started_at) - _CLOCK_ERROR
        for each in chains.retries.get(run_id, ()):
            if self._target == "local":
                # A facility knows the requests of the interrupted change by their names.
                if each.get("retry_request_id") == record.id:
                    return str(each["run_id"])
            elif datetime.fromisoformat(str(each["start_time"])) >= since:
                return str(each["run_id"])
        return None

    def _resume(self, services: Services, document: Document) -> ChangeOutcome:
        run_id = str(document["run_id"])
        if document["status"] in FINAL:
            return ChangeOutcome(run_id, "failed", f"it has ended: {document['status']}")
        resume_run(services, self._target, run_id)
        return ChangeOutcome(run_id, "changed", "resumed")

    def _batches(self, wanted: RunChange, documents: Sequence[Document]) -> Iterator[ChangeOutcome]:
        """Change runs by a request for many, and look what has become of them."""
        sent: list[Document] = []
        for document in documents:
            if reason := unchanged_reason(wanted.verb, document):
                yield ChangeOutcome(str(document["run_id"]), "skipped", reason)
            else:
                sent.append(document)
        yield from self.send(wanted, sent)

    def send(self, wanted: RunChange, documents: Sequence[Document]) -> Iterator[ChangeOutcome]:
        """Change runs by requests for many, without a record, and yield the outcome of each.

        Args:
            wanted: the change: its verb is ``cancel``, ``tag``, ``hold`` or ``release``.
            documents: the runs.
        """
        for first in range(0, len(documents), RUNS_OF_A_REQUEST):
            yield from self._batch(wanted, documents[first : first + RUNS_OF_A_REQUEST])

    def _batch(self, wanted: RunChange, documents: Sequence[Document]) -> Iterator[ChangeOutcome]:
        from headrace.hosted import NoAnswerError, explain, sdk

        status = "" if wanted.verb == "tag" else wanted.verb
        tags = {"add_tags": wanted.add_tags, "remove_tags": wanted.remove_tags}
        run_ids = [str(each["run_id"]) for each in documents]
        try:
            send_change(self._services, run_ids, status=status, **tags)
        except sdk().GlobusAPIError as error:
            found = explain(error)
            line, is_known = terminal_text(str(found)), not isinstance(found, NoAnswerError)
            if error.http_status >= 500 and not self._services.is_facility:
                # The hosted service may have got as far as some of them.
                raise NoAnswerError(line) from error
            for each in documents:
                yield ChangeOutcome(str(each["run_id"]), "failed", line, is_known=is_known)
            return

        def look(services: Services, document: Document) -> ChangeOutcome:
            run_id = str(document["run_id"])
            found = services.read(f"/runs/{run_id}")
            if wanted.verb == "cancel":
                return _cancel_outcome(found)
            if wanted.verb in ("hold", "release"):
                return _hold_outcome(wanted, found)
            if _has_tags(wanted, found):
                return ChangeOutcome(run_id, "changed", "tagged")
            if self._target == "local":
                return ChangeOutcome(run_id, "failed", "its tags stay: it has too many")
            return ChangeOutcome(run_id, "changed", "asked for; the service does not show it yet")

        yield from self._each(look, documents)


def _cancel_outcome(found: Document) -> ChangeOutcome:
    run = RunView(found)
    if not run.final or run.cancelled:
        return ChangeOutcome(run.id, "changed", "cancelled" if run.final else "cancelling")
    return ChangeOutcome(run.id, "failed", f"it has ended meanwhile: {run.status}")


def _hold_outcome(wanted: RunChange, found: Document) -> ChangeOutcome:
    run_id = str(found["run_id"])
    if found["status"] in FINAL:
        # What was left may have taken no time; of one that was cancelled, nothing went on.
        if wanted.verb == "release" and not RunView(found).cancelled:
            return ChangeOutcome(run_id, "changed", f"released, and has ended: {found['status']}")
        return ChangeOutcome(run_id, "failed", f"it has ended meanwhile: {found['status']}")
    if bool(found.get("held_at")) != (wanted.verb == "hold"):
        return ChangeOutcome(run_id, "failed", "the facility did not do it")
    if wanted.verb == "release":
        return ChangeOutcome(run_id, "changed", "released: it goes on")
    return ChangeOutcome(run_id, "changed", "held: it ends its present state and goes no further")


def _has_tags(wanted: RunChange, document: Document) -> bool:
    """Return whether a run has the tags that a change gives it, and none that it takes."""
    tags = {str(tag) for tag in document.get("tags") or ()}
    added = {" ".join(tag.split()) for tag in wanted.add_tags} - set(wanted.remove_tags)
    return added <= tags and not tags & set(wanted.remove_tags)


def _delete(services: Services, document: Document) -> ChangeOutcome:
    run_id = str(document["run_id"])
    if document["status"] not in FINAL:
        return ChangeOutcome(run_id, "failed", f"it has not ended: it is {document['status']}")
    services.flows.delete_run(run_id)
    return ChangeOutcome(run_id, "changed", "deleted")


def _outcome_of(
    work: Callable[[Services, Document], ChangeOutcome], services: Services, document: Document
) -> ChangeOutcome:
    from headrace.hosted import NoAnswerError, explain, sdk

    found: HeadraceError
    try:
        return work(services, document)
    except sdk().GlobusError as error:
        found = explain(error)
    except HeadraceError as error:
        found = error
    is_known = not isinstance(found, NoAnswerError)
    line = terminal_text(str(found))
    return ChangeOutcome(str(document["run_id"]), "failed", line, is_known=is_known)
