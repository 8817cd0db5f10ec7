"""Start many runs of one flow at a facility, by a few requests."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace.config.errors import ProjectError

if TYPE_CHECKING:
    from headrace.hosted import Services

# Runs and bytes of one request; a facility takes 10,000 runs and 16 MB.
_MAX_RUNS: Final = 10_000
_MAX_BYTES: Final = 8_000_000


@dataclass(frozen=True)
class BatchedRun:
    """One run of a batch.

    Attributes:
        body: its input, names resolved.
        label: what to call it.
        tags: words to find it by.
        request_id: names the start; a facility starts one run of the flow for it, in whichever
            batch it is sent. Empty where the batch and its place name it.
    """

    body: Mapping[str, Any]
    label: str = ""
    tags: Sequence[str] = ()
    request_id: str = ""

    def document(self, request_id: str) -> dict[str, Any]:
        """Return the run's member of the request, with this name where it has none."""
        document: dict[str, Any] = {
            "body": dict(self.body),
            "request_id": self.request_id or request_id,
        }
        if self.label:
            document["label"] = self.label
        if self.tags:
            document["tags"] = list(self.tags)
        return document


@dataclass(frozen=True)
class BatchAnswer:
    """Answer for one run of a batch.

    Attributes:
        run_id: the run; empty where it was refused.
        is_new: False for a run that an earlier request of the same name has started.
        problem: why it was refused, in one line; empty where it was started.
    """

    run_id: str = ""
    is_new: bool = False
    problem: str = ""


def start_batch(
    services: Services, flow_id: str, runs: Sequence[BatchedRun], request_id: str = ""
) -> list[BatchAnswer]:
    """Start many runs of one flow at a facility.

    Args:
        services: the services of a facility.
        flow_id: the flow.
        runs: the runs.
        request_id: names the batch: sent again with the same name, the runs in their places give
            the runs that are there. By default a name of its own, under which a request is
            repeated whose answer was lost.

    Returns:
        An answer for each run, in this order.

    Raises:
        ProjectError: the services are not a facility's.
        GlobusAPIError: the facility refuses the whole batch, such as for a flow it does not know.
    """
    if not services.is_facility:
        raise ProjectError(
            "the hosted service starts runs one by one: start a batch at a facility (--at local)"
        )
    name = request_id or uuid.uuid4().hex
    documents = [run.document(f"{name} [{n}]") for n, run in enumerate(runs)]
    answers: list[BatchAnswer] = []
    for part in _parts(documents):
        answer = services.flows.post(f"/flows/{flow_id}/run_batch", data={"runs": part}).data
        answers += [
            BatchAnswer(run.get("run_id", ""), run.get("is_new", False), run.get("error", ""))
            for run in answer["runs"]
        ]
    return answers


def _parts(documents: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the runs in parts that one request can hold."""
    part: list[dict[str, Any]] = []
    size = 0
    for document in documents:
        length = len(json.dumps(document)) + 1
        if part and (len(part) >= _MAX_RUNS or size + length > _MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(document)
        size += length
    if part:
        yield part
