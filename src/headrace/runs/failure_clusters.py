"""Clusters of failed runs by their causes, and what the runs of each have in common.

Whether a cause is random or systematic is decided by Fisher's exact test, one-sided: for each
property (flow, endpoint, host, member of the input) that runs of a cluster share, the chance that
as many of them, or more, have it, were they drawn at random from all runs that are compared, which
are those of the cluster, other failures and the runs that succeeded. The smallest p-value times the
number of properties that were tested (Bonferroni) below 0.01 is systematic.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.shell_words import shell_word
from headrace._internal.text_pattern import text_pattern
from headrace.project.project import Project
from headrace.runs.association import tail_probability
from headrace.runs.cause_template import cause_template, is_specific, template_pattern
from headrace.runs.failure_cause import FailureCause, failure_cause
from headrace.runs.run_endpoints import endpoint_names
from headrace.runs.run_logs import Entries, map_logs
from headrace.runs.run_properties import Property, properties_of
from headrace.runs.selection import RunSelector, Selection

if TYPE_CHECKING:
    from headrace.hosted import Services

Document = Mapping[str, Any]
Properties = Mapping[str, set[Property]]

# Probability, after the correction for many tests, below which a cause is no chance.
LEVEL: Final = 0.01
# Logs that are read of one cluster, and of the runs that it is compared with.
MOST_LOGS: Final = 400
_SHOWN: Final = 3
# Runs that a command names by their ids.
_MOST_IDS: Final = 10
# Runs that succeeded, of which some are compared with.
_MOST_OTHERS: Final = 2_000


@dataclass(frozen=True)
class SharedProperty:
    """A property that runs of a cluster share more often than chance would have it.

    Attributes:
        kind: ``flow``, ``endpoint``, ``host`` or ``input`` with the member's path.
        value: such as the name of a node.
        here: runs of the cluster that have it.
        here_of: runs of the cluster of which this kind is known.
        elsewhere: other runs that have it.
        elsewhere_of: other runs of which this kind is known.
        p: p-value, times the number of properties tested, 1 at the most.
    """

    kind: str
    value: str
    here: int
    here_of: int
    elsewhere: int
    elsewhere_of: int
    p: float


@dataclass(frozen=True)
class FailureCluster:
    """Runs that failed, or wait, of one cause.

    Attributes:
        template: the cause without what differs from run to run.
        cause: that of one of the runs.
        run_ids: the runs, the newest first.
        states: in which states they failed, with counts.
        flows: of which flows they are, with counts.
        status: that of all its runs, ``FAILED`` or ``INACTIVE``.
        compared: other runs whose properties are known.
        looked_at: runs of the cluster whose properties are known.
        shared: what its runs share, the least probable first.
        others_matched: runs outside the cluster that its pattern matches.
        verdict: ``systematic``, ``random``, or ``unknown`` where there is nothing to compare with.
    """

    template: str
    cause: FailureCause
    run_ids: Sequence[str]
    states: Mapping[str, int]
    flows: Mapping[str, int]
    compared: int = 0
    looked_at: int = 0
    shared: Sequence[SharedProperty] = field(default_factory=tuple)
    verdict: str = "unknown"
    status: str = "FAILED"
    others_matched: int = 0

    @property
    def example(self) -> str:
        """The newest of the runs."""
        return self.run_ids[0]

    @property
    def pattern(self) -> str:
        """The pattern that ``--cause`` selects the cluster by."""
        return template_pattern(self.cause.text)

    @property
    def is_chosen_by_pattern(self) -> bool:
        """True where the pattern chooses these runs alone."""
        return not self.others_matched and is_specific(self.pattern)

    def command(self, conditions: str = "") -> str | None:
        """Return the command that retries its runs, or resumes those that wait.

        It is None where no pattern chooses these runs alone, and they are too many to be named.

        Args:
            conditions: further options of the selection, without causes and statuses.
        """
        start = f"headrace run {'resume' if self.status == 'INACTIVE' else 'retry'}"
        if self.is_chosen_by_pattern:
            more = f" {conditions}" if conditions else ""
            return f"{start} --status {self.status}{more} --cause {shell_word(self.pattern)}"
        if len(self.run_ids) <= _MOST_IDS:
            return " ".join([start, *map(shell_word, self.run_ids)])
        return None

    @property
    def no_command_reason(self) -> str:
        """Reason for which there is no command that chooses its runs alone."""
        if self.others_matched:
            return f"its --cause pattern would choose runs of other causes: {self.others_matched:,}"
        return "its cause has no word by which --cause could choose it"


def cluster_failures(
    documents: Iterable[Document], others: Iterable[Document] = ()
) -> list[FailureCluster]:
    """Return the clusters of the runs that failed or wait, the largest first.

    Args:
        documents: runs, the newest first.
        others: further runs that a command for a cluster must not choose.
    """
    groups: dict[tuple[str, str], list[tuple[Document, FailureCause]]] = defaultdict(list)
    for document in documents:
        cause = failure_cause(document)
        if cause is not None:
            groups[cause_template(cause.text), str(document["status"])].append((document, cause))
    clusters = [
        FailureCluster(
            template,
            members[0][1],
            [str(run["run_id"]) for run, _ in members],
            Counter(cause.state for _, cause in members if cause.state),
            Counter(str(run.get("flow_title")) for run, _ in members),
            status=status,
        )
        for (template, status), members in groups.items()
    ]
    known = [member for members in groups.values() for member in members]
    known += [(each, cause) for each in others if (cause := failure_cause(each)) is not None]
    clusters = [replace(each, others_matched=_others_matched(each, known)) for each in clusters]
    return sorted(clusters, key=lambda each: (-len(each.run_ids), each.template, each.status))


def _others_matched(cluster: FailureCluster, known: Sequence[tuple[Document, FailureCause]]) -> int:
    """Return how many runs of the same status outside a cluster its pattern matches."""
    pattern, members = text_pattern(cluster.pattern), set(cluster.run_ids)
    return sum(
        str(run["run_id"]) not in members
        and run["status"] == cluster.status
        and any(pattern.fullmatch(" ".join(text.split())) for text in (cause.text, cause.summary))
        for run, cause in known
    )


def compare_clusters(
    clusters: Sequence[FailureCluster],
    others: Sequence[str],
    read: Callable[[Sequence[str]], Properties],
) -> list[FailureCluster]:
    """Return clusters with what their runs share.

    Args:
        clusters: the clusters.
        others: runs of the same selection that succeeded.
        read: reads the properties of runs.
    """
    samples = [_sample(each.run_ids) for each in clusters]
    good = _sample(others)
    properties = read([*dict.fromkeys(run for part in [*samples, good] for run in part)])
    found = []
    for number, cluster in enumerate(clusters):
        rest = [run for n, part in enumerate(samples) if n != number for run in part]
        here = [properties[run] for run in samples[number] if run in properties]
        elsewhere = [properties[run] for run in [*rest, *good] if run in properties]
        found.append(_compared(cluster, here, elsewhere))
    return found


def _sample(runs: Sequence[str]) -> list[str]:
    """Return all of few runs, and of many some, evenly spaced."""
    if len(runs) <= MOST_LOGS:
        return list(runs)
    return [runs[n * len(runs) // MOST_LOGS] for n in range(MOST_LOGS)]


def _compared(
    cluster: FailureCluster, here: Sequence[set[Property]], elsewhere: Sequence[set[Property]]
) -> FailureCluster:
    parts = (here, elsewhere)
    counts, other_counts = (Counter(each for run in part for each in run) for part in parts)
    known, other_known = (
        Counter(kind for run in part for kind in {kind for kind, _ in run}) for part in parts
    )
    tested = [
        (kind, value) for (kind, value), count in counts.items() if count > 1 and other_known[kind]
    ]
    shared = []
    for kind, value in tested:
        inside, outside = counts[kind, value], other_counts[kind, value]
        total, drawn = known[kind] + other_known[kind], known[kind]
        p = min(1.0, tail_probability(total, inside + outside, drawn, inside) * len(tested))
        shared.append(SharedProperty(kind, value, inside, drawn, outside, other_known[kind], p))
    shared.sort(key=lambda each: (each.p, each.kind, each.value))
    systematic = [each for each in shared if each.p < LEVEL]
    verdict = "systematic" if systematic else "random" if tested else "unknown"
    return replace(
        cluster,
        compared=len(elsewhere),
        looked_at=len(here),
        shared=systematic[:_SHOWN],
        verdict=verdict,
    )


def explain_failures(
    project: Project, target: str, services: Services, selection: Selection
) -> list[FailureCluster]:
    """Return the clusters of the failed runs that a selection chooses, the largest first.

    Of a chain of retries the last run counts. They are compared with each other, and with runs of
    the same selection that succeeded.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        selection: the runs; those that failed, where it names no status.
    """
    selector = RunSelector(project, target, services)
    failed = selection if selection.statuses else replace(selection, statuses=("FAILED",))
    selected = selector.select(failed, with_chains=True)
    last = [
        each
        for each in selected.documents
        if selected.chains.last_attempt(str(each["run_id"])) is None
    ]
    # A command gives its own cause in the place of those by which the runs were chosen.
    others = selector.select(replace(failed, causes=())).documents if selection.causes else ()
    clusters = cluster_failures(last, _without(others, selected.documents))
    good = replace(selection, ids=(), statuses=("SUCCEEDED",), causes=(), unmended=False)
    succeeded = {str(each["run_id"]): each for each in islice(selector.iterate(good), _MOST_OTHERS)}
    documents = {**succeeded, **{str(each["run_id"]): each for each in last}}
    names = endpoint_names(project, target)

    def read(run_ids: Sequence[str]) -> Properties:
        def properties(run_id: str, entries: Entries) -> tuple[str, set[Property]]:
            return run_id, properties_of(documents[run_id], entries, names)

        return dict(map_logs(project, target, run_ids, properties))

    return compare_clusters(clusters, [*succeeded], read)


def _without(documents: Iterable[Document], others: Iterable[Document]) -> list[Document]:
    left_out = {each["run_id"] for each in others}
    return [each for each in documents if each["run_id"] not in left_out]
