"""The end of a run, which is an arrival of a trigger with ``[after]``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from headrace._internal.text_pattern import matches_any, text_pattern
from headrace.runs.ended_runs import output_of
from headrace.runs.poller import parse_time
from headrace.triggers.arrival import Arrival
from headrace.triggers.output_values import output_paths

if TYPE_CHECKING:
    from headrace.triggers.tables.after import AfterTable
    from headrace.triggers.trigger import Trigger

COLLECTION: Final = ""
FOLDER: Final = "after/"
DEPTH_TAG: Final = "chain:"
"""Begin of the tag of a run that the end of another started; its place in the row follows."""
_DEPTH: Final = re.compile(rf"{DEPTH_TAG}(\d{{1,9}})")


@dataclass(frozen=True)
class RunEnd:
    """A run that has ended.

    Attributes:
        run_id: its id.
        flow: name of its flow in the project.
        label: its label.
        status: how it ended.
        tags: its tags.
        completed: when it ended, by the service's clock.
        output: its output; None where it has none, or it was not asked for.
    """

    run_id: str
    flow: str
    label: str
    status: str
    tags: tuple[str, ...]
    completed: datetime
    output: Any = None

    @property
    def path(self) -> str:
        """Its path in the ledger."""
        return f"{FOLDER}{self.run_id}"

    @property
    def depth(self) -> int:
        """Its place in a row of runs, each started by the end of the one before, by its tags."""
        found = [match for tag in self.tags if (match := _DEPTH.fullmatch(tag))]
        return max((int(match[1]) for match in found), default=0)

    def values(self) -> dict[str, str]:
        """Return what the ledger keeps of it besides its output."""
        return {"flow": self.flow, "label": self.label, "status": self.status}


class RunEndService(Protocol):
    """The service that has the runs; called from several threads.

    Whatever it raises says that it has not answered.
    """

    def newest_end(self, flows: Sequence[str]) -> datetime | None:
        """Ask when the run of some flows that ended last did; None where none has.

        Args:
            flows: names of flows of the project.
        """
        ...

    def read_ends(
        self,
        flows: Sequence[str],
        since: datetime,
        take: Callable[[Sequence[RunEnd]], bool],
    ) -> None:
        """Read the runs of some flows that have ended, in the order in which they did.

        Args:
            flows: names of flows of the project.
            since: when they ended at the earliest, by the service's clock.
            take: called with some of them after the other; false where no more are wanted.
        """
        ...

    def read_output(self, run_id: str) -> Any:
        """Read the output of a run that has ended; None where it has none."""
        ...


class EndCondition:
    """The condition under which the end of a run is an arrival.

    Args:
        after: the table of the trigger file.
    """

    def __init__(self, after: AfterTable) -> None:
        self._status = after.status
        self._label = None if after.label is None else [text_pattern(after.label)]
        self._tag = None if after.tag is None else [text_pattern(after.tag)]

    def holds(self, end: RunEnd) -> bool:
        """Tell whether it is an arrival."""
        return (
            self._status in ("any", end.status)
            and (self._label is None or matches_any(self._label, [end.label]))
            and (self._tag is None or matches_any(self._tag, end.tags))
        )


def end_texts(run_id: str, values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the placeholders of the end of a run, and what they stand for.

    Args:
        run_id: the run.
        values: as `RunEnd.values`.
    """
    texts = {name: str(values.get(name) or "") for name in ("flow", "label", "status")}
    texts |= {"run_id": run_id, "name": texts["label"] or run_id}
    return tuple(sorted(texts.items()))


def templates_of(trigger: Trigger) -> list[Any]:
    """Return all that is filled in for a run of a trigger."""
    return [dict(trigger.input), trigger.label, list(trigger.tags)]


def needs_output(trigger: Trigger) -> bool:
    """Tell whether a value of the output is part of what a trigger starts."""
    return bool(output_paths(templates_of(trigger)))


def run_end_from_document(document: Mapping[str, Any], flow_ids: Mapping[str, str]) -> RunEnd:
    """Make it of the document of a run that has ended.

    Args:
        document: the document.
        flow_ids: names of flows by their ids.
    """
    completed = parse_time(document.get("completion_time"))
    return RunEnd(
        run_id=str(document["run_id"]),
        flow=flow_ids[str(document["flow_id"])],
        label=str(document.get("label") or ""),
        status=str(document["status"]),
        tags=tuple(map(str, document.get("tags") or ())),
        completed=completed or datetime.now(UTC),
        output=output_of(document),
    )


def end_arrival(trigger: Trigger, end: RunEnd) -> Arrival:
    """Return the arrival that the end of a run is, before it is in the ledger."""
    output = "" if end.output is None else json.dumps(end.output)
    return Arrival(
        *(trigger.name, COLLECTION, end.run_id, end.path, trigger.root / end.path),
        texts=end_texts(end.run_id, end.values()),
        output=output,
        chain_depth=end.depth + 1,
    )
