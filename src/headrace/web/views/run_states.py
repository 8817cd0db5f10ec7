"""States of a run: the times that it spent in each, and what each made of the payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headrace.flowlang import FlowLanguageError, parse_flow
from headrace.flowlang.runs import LogReplayError, read_run_from_log
from headrace.runs.poller import RunView
from headrace.runs.state_details import StateDetails
from headrace.web.views.texts import shortened
from headrace.web.views.value_tree import Difference, TreeNode, differences, tree_of

MOST_VISITS: Final = 100
"""Visits to states of which each has a bar."""
_KINDS: Final[Mapping[str, str]] = {
    "done": "good",
    "failed": "bad",
    "under way": "busy",
    "stopped": "idle",
}
_WIDTH: Final = 1000.0


@dataclass(frozen=True)
class Span:
    """A visit to a state on the axis of time.

    Attributes:
        details: what is known of it.
        kind: kind of its mark.
        x: beginning of its bar, of 1000.
        width: width of its bar, likewise.
        jobs: its batch jobs in words.
        line: the last line that was printed.
    """

    details: StateDetails
    kind: str
    x: float
    width: float
    jobs: Sequence[str]
    line: str


@dataclass(frozen=True)
class PayloadChange:
    """Payload of a state, before and after it.

    Attributes:
        before: the payload that it got.
        after: the payload that it left; None where that is not known.
        changes: in which they differ.
        has_more: whether they differ in more.
        problem: why the payload cannot be shown; empty where it can.
    """

    before: TreeNode | None = None
    after: TreeNode | None = None
    changes: Sequence[Difference] = ()
    has_more: bool = False
    problem: str = ""


def spans_of(view: RunView, states: Sequence[StateDetails]) -> list[Span]:
    """Return the last visits to states on the axis of the run's time.

    Args:
        view: the run.
        states: all visits, in order.
    """
    if not states:
        return []
    begin, total = states[0].started_at, max(view.elapsed(), 1e-6)
    spans = []
    for each in states[-MOST_VISITS:]:
        x = min(_WIDTH, _WIDTH * (each.started_at - begin).total_seconds() / total)
        width = min(_WIDTH - x, max(2.0, _WIDTH * each.seconds / total))
        jobs = [shortened(job) for job in each.jobs[:5]]
        spans.append(
            Span(
                *(each, _KINDS.get(each.status, "idle"), max(0.0, x), max(0.0, width)),
                jobs=jobs,
                line=shortened(each.last_line),
            )
        )
    return spans


def payload_change(
    definition: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    state: str,
    output: Mapping[str, Any] | None,
) -> PayloadChange:
    """Return what the last visit to a state made of the payload.

    Args:
        definition: the run's definition.
        entries: its log, oldest first.
        state: the state.
        output: the run's output, where it has succeeded.
    """
    begins = [n for n, each in enumerate(entries) if _starts(each)]
    own = next((n for n in reversed(begins) if _name(entries[n]) == state), None)
    if own is None:
        return PayloadChange(problem="the run was never in this state")
    following = next((n for n in begins if n > own), None)
    try:
        flow = parse_flow(dict(definition))
        before = read_run_from_log(definition, flow, entries[: own + 1]).entered[state].value
        after: Any = output
        if following is not None:
            later = read_run_from_log(definition, flow, entries[: following + 1])
            after = later.entered[later.last].value
    except (LogReplayError, FlowLanguageError, KeyError) as error:
        return PayloadChange(problem=f"its payload cannot be had: {shortened(error)}")
    if after is None:
        return PayloadChange(tree_of(before))
    changes, has_more = differences(before, after)
    return PayloadChange(tree_of(before), tree_of(after), changes, has_more)


def _name(entry: Mapping[str, Any]) -> Any:
    return (entry.get("details") or {}).get("state_name")


def _starts(entry: Mapping[str, Any]) -> bool:
    code = str(entry.get("code"))
    return code.endswith("Started") and not code.startswith("Flow") and bool(_name(entry))
