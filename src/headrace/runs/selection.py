"""Selections of runs: the one grammar by which runs are chosen, whatever is done with them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.text_pattern import matches_any, text_pattern
from headrace.config.ids import is_uuid
from headrace.project.project import Project
from headrace.runs.failure_cause import failure_cause
from headrace.runs.launch import deployed_flow
from headrace.runs.parallel_requests import ParallelRequests
from headrace.runs.poller import FINAL, parse_time
from headrace.runs.query import find_run
from headrace.runs.retry_chains import RetryChains, read_retry_chains
from headrace.runs.run_endpoints import uses_endpoint
from headrace.runs.selection_match import (
    MOST,
    SelectionMatch,
    can_be_asked,
    match_of,
    matching_query,
    read_matching,
)

if TYPE_CHECKING:
    from headrace.hosted import Services

STATUSES: Final = ("ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED", "ENDED")
_DIGIT: Final = re.compile("[0-9]")
# Runs that a retry means where no status is given.
RETRYABLE: Final = ("FAILED", "ENDED")

Document = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """Conditions that choose runs; all that are given hold, any value of each is enough.

    Attributes:
        ids: ids of runs, beginnings of some, or ``last``.
        flows: flows of the project.
        statuses: such as ``FAILED``.
        tags: patterns of a tag (`headrace._internal.text_pattern`), complete without a ``*``.
        labels: patterns of the label.
        causes: patterns of why a run failed, or of what it waits for.
        endpoints: endpoints of the project that a run has sent tasks to.
        since: started then or later.
        until: started before.
        unmended: only runs that failed and that no run has taken up.
        held: only runs that are held.
    """

    ids: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    unmended: bool = False
    held: bool = False

    @property
    def is_empty(self) -> bool:
        """True if it has no condition, so that it chooses every run."""
        return self == Selection()

    @property
    def is_filtered(self) -> bool:
        """True if it has a condition beside ids."""
        return replace(self, ids=()) != Selection()

    @property
    def single_id(self) -> str | None:
        """The id, where it is one and nothing else."""
        return self.ids[0] if len(self.ids) == 1 and not self.is_filtered else None

    def retryable(self) -> Selection:
        """Return this selection, of which conditions without a status mean runs that failed."""
        if self.statuses or not self.is_filtered:
            return self
        return replace(self, statuses=RETRYABLE)

    def restricted(self, other: Selection) -> Selection:
        """Return this selection with the conditions of another in the place of those it lacks."""
        given = {
            each.name: value
            for each in fields(self)
            if (value := getattr(self, each.name)) not in ((), None, False)
        }
        return replace(other, **given)


@dataclass(frozen=True)
class SelectedRuns:
    """Runs that a selection chose.

    Attributes:
        documents: their documents, the newest first; of ids in the order in which they are given.
        missing: ids that no run has.
        chains: the runs that take them up; empty until they are asked for.
    """

    documents: Sequence[Document]
    missing: Sequence[str] = ()
    chains: RetryChains = field(default_factory=RetryChains)

    def __len__(self) -> int:
        return len(self.documents) + len(self.missing)


class RunSelector:
    """Finds the runs that selections choose.

    Args:
        project: whose flows and endpoints they name.
        target: ``local`` or ``globus``.
        services: the services there.
    """

    def __init__(self, project: Project, target: str, services: Services) -> None:
        self._project = project
        self._target = target
        self._services = services

    def select(self, selection: Selection, *, with_chains: bool = False) -> SelectedRuns:
        """Return the runs that a selection chooses.

        Args:
            selection: the conditions.
            with_chains: whether the runs that take them up are wanted, too.

        Raises:
            ProjectError: an id is none or stands for several runs; a flow or an endpoint is
                unknown.
            GlobusAPIError: the service refuses.
        """
        missing: list[str] = []
        if selection.ids:
            wanted = dict.fromkeys(find_run(self._services, name) for name in selection.ids)
            documents = [*self._read(wanted, missing)]
            if selection.is_filtered:
                documents = [*self.filtered(documents, selection)]
        else:
            documents = [*self.iterate(selection)]
        chains = RetryChains()
        if with_chains:
            chains = self.chains(documents)
        return SelectedRuns(documents, missing, chains)

    def chains(self, documents: Sequence[Document]) -> RetryChains:
        """Return the runs that take up some runs, those that succeeded as well."""
        return read_retry_chains(self._services, self._target, documents, with_succeeded=True)

    def iterate(self, selection: Selection) -> Iterator[Document]:
        """Yield the runs that the conditions beside ids choose, the newest first."""
        query = self.query(selection)
        return self.filtered(self._services.read_items("/runs", "runs", query), selection)

    def match(self, selection: Selection, most: int, shown: int = 0) -> SelectionMatch:
        """Return how many runs a selection chooses, and their ids: quick where a facility says so.

        Args:
            selection: the conditions.
            most: how many at most; the newest are meant.
            shown: how many documents are wanted of them at most.

        Raises:
            ProjectError: as `select`.
            GlobusAPIError: the service refuses.
        """
        found = self._match_at_facility(selection, most, shown)
        if found is not None:
            return found
        documents = [*islice(self._chosen(selection), most + 1)]
        return match_of(documents[:most], len(documents) > most, shown)

    def count(self, selection: Selection) -> Counter[str]:
        """Return how many runs a selection chooses, of each status.

        Raises:
            ProjectError: as `select`.
            GlobusAPIError: the service refuses.
        """
        found = self._match_at_facility(selection, MOST, 0)
        if found is not None and not found.has_more:
            return found.statuses
        return Counter(str(run["status"]) for run in self._chosen(selection))

    def _match_at_facility(
        self, selection: Selection, most: int, shown: int
    ) -> SelectionMatch | None:
        """Return what a facility says of a selection; None where none can be asked."""
        if self._target != "local" or selection.ids or selection.endpoints:
            return None
        query = self.query(selection)
        patterns = {
            "tags": () if "filter_tag" in query else selection.tags,
            "labels": selection.labels,
            "causes": selection.causes,
        }
        if not can_be_asked(patterns):
            return None
        query = matching_query(query, patterns, held=selection.held, unmended=selection.unmended)
        return read_matching(self._services, {**query, "limit": most, "shown": shown})

    def _chosen(self, selection: Selection) -> Iterator[Document]:
        """Yield the documents of the runs that a selection chooses."""
        return iter(self.select(selection).documents) if selection.ids else self.iterate(selection)

    def page(self, selection: Selection, first: int, size: int) -> tuple[list[Document], bool]:
        """Return some of the runs that are chosen, and whether there are more behind them."""
        runs = [*islice(self._chosen(selection), first, first + size + 1)]
        return runs[:size], len(runs) > size

    def _read(self, names: Mapping[str, None], missing: list[str]) -> Iterator[Document]:
        from headrace.hosted import sdk

        for run_id in names:
            try:
                yield self._services.read(f"/runs/{run_id}")
            except sdk().GlobusAPIError as error:
                if error.http_status != 404:
                    raise
                missing.append(run_id)

    def is_decided_by_service(self, selection: Selection) -> bool:
        """Return whether the service decides all conditions beside ids by itself."""
        plain = replace(selection, ids=(), flows=(), statuses=(), since=None, until=None)
        is_tag = self._target == "local" and "filter_tag" in self.query(selection)
        return plain == Selection() or (is_tag and replace(plain, tags=()) == Selection())

    def query(self, selection: Selection) -> dict[str, Any]:
        """Return the query for runs, with what the service can decide by itself."""
        query: dict[str, Any] = {"orderby": "start_time DESC", "per_page": 100}
        if selection.flows:
            query["filter_flow_id"] = ",".join(self._flow_ids(selection))
        statuses = selection.statuses
        if not statuses and selection.unmended:
            statuses = tuple(sorted(FINAL - {"SUCCEEDED"}))
        elif not statuses and selection.held:
            statuses = ("ACTIVE", "INACTIVE")
        elif not statuses and selection.causes:
            statuses = ("FAILED", "INACTIVE")
        if statuses:
            query["filter_status"] = ",".join(statuses)
        plain = [tag for tag in selection.tags if not set(tag) & set("*?\\")]
        if self._target == "local" and len(selection.tags) == len(plain) == 1:
            query["filter_tag"] = plain[0]
        word = _word_of(selection.labels)
        if self._target == "local" and word:
            query["filter_label"] = word
        if selection.since or selection.until:
            bounds = (selection.since, selection.until)
            query["filter_start_time"] = ",".join(map(_stored_time, bounds))
        return query

    def _flow_ids(self, selection: Selection) -> list[str]:
        return [deployed_flow(self._project, self._target, name).id for name in selection.flows]

    def filtered(
        self, documents: Iterator[Document] | Sequence[Document], selection: Selection
    ) -> Iterator[Document]:
        """Yield the runs for which the conditions beside ids hold, in their order."""
        found: Iterator[Document] = iter(documents)
        conditions = _Conditions.of(selection, set(self._flow_ids(selection)))
        found = filter(conditions.hold, found)
        if selection.endpoints:
            found = self._at_endpoints(found, selection.endpoints)
        if selection.unmended:
            found = self._unmended(found)
        return found

    def _at_endpoints(
        self, documents: Iterator[Document], names: Sequence[str]
    ) -> Iterator[Document]:
        wanted = {self._endpoint_id(name) for name in names}

        def checked(services: Services, document: Document) -> tuple[Document, bool]:
            return document, uses_endpoint(services, str(document["run_id"]), wanted)

        requests = ParallelRequests(self._project, self._target)
        return (each for each, is_there in requests.map(checked, documents) if is_there)

    def _endpoint_id(self, name: str) -> str:
        return name if is_uuid(name) else self._project.endpoint_id(name, self._target)

    def _unmended(self, documents: Iterator[Document]) -> Iterator[Document]:
        failed = [each for each in documents if each["status"] in FINAL - {"SUCCEEDED"}]
        chains = read_retry_chains(self._services, self._target, failed)
        return (each for each in failed if chains.last_attempt(str(each["run_id"])) is None)


@dataclass(frozen=True)
class _Conditions:
    """Conditions that a run's document alone decides."""

    selection: Selection
    flow_ids: set[str]
    tags: Sequence[Any]
    labels: Sequence[Any]
    causes: Sequence[Any]

    @classmethod
    def of(cls, selection: Selection, flow_ids: set[str]) -> _Conditions:
        return cls(
            selection,
            flow_ids,
            [text_pattern(tag) for tag in selection.tags if "*" in tag],
            [text_pattern(label) for label in selection.labels],
            [text_pattern(cause) for cause in selection.causes],
        )

    def hold(self, document: Document) -> bool:
        """Return whether all of them hold for a run."""
        return (
            self._flow_and_status(document)
            and self._time(document)
            and self._tag(document)
            and (not self.labels or matches_any(self.labels, [str(document.get("label") or "")]))
            and self._cause(document)
            and (not self.selection.held or bool(document.get("held_at")))
        )

    def _flow_and_status(self, document: Document) -> bool:
        statuses = self.selection.statuses
        return (not self.flow_ids or document["flow_id"] in self.flow_ids) and (
            not statuses or document["status"] in statuses
        )

    def _time(self, document: Document) -> bool:
        since, until = self.selection.since, self.selection.until
        if since is None and until is None:
            return True
        started_at = parse_time(document.get("start_time"))
        if started_at is None:
            return False
        return (since is None or started_at >= since) and (until is None or started_at < until)

    def _tag(self, document: Document) -> bool:
        if not self.selection.tags:
            return True
        tags = [str(tag) for tag in document.get("tags") or ()]
        return bool(set(self.selection.tags) & set(tags)) or matches_any(self.tags, tags)

    def _cause(self, document: Document) -> bool:
        if not self.causes:
            return True
        cause = failure_cause(document)
        return cause is not None and matches_any(self.causes, (cause.text, cause.summary))


def _word_of(labels: Sequence[str]) -> str:
    """Return a word that each label must have in it; empty where none is known.

    The longest; one with a number before others, for fewer labels have it.
    """
    if len(labels) != 1 or set(labels[0]) & set("?\\") or not labels[0].isascii():
        return ""
    words = labels[0].replace("*", " ").split()
    return max(
        words, key=lambda word: (len(word) > 2 and bool(_DIGIT.search(word)), len(word)), default=""
    )


def _stored_time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment is not None else ""
