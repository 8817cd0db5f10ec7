"""Chains of retries: a run that failed, the runs that took it up, and whether one mended it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from headrace.runs.launch import REQUEST_TAG_PREFIX
from headrace.runs.poller import FINAL

if TYPE_CHECKING:
    from headrace.hosted import Services

# The hosted service keeps no record of what a run takes up: a tag does.
RETRY_TAG_PREFIX: Final = f"{REQUEST_TAG_PREFIX}retry-of:"

Document = Mapping[str, Any]


def retried_run_id(document: Document) -> str | None:
    """Return the id of the run that a run takes up; None where it takes up none."""
    retry = document.get("retry_of")
    if isinstance(retry, Mapping) and retry.get("run_id"):
        return str(retry["run_id"])
    for tag in document.get("tags") or ():
        if isinstance(tag, str) and tag.startswith(RETRY_TAG_PREFIX):
            return tag.removeprefix(RETRY_TAG_PREFIX)
    return None


@dataclass(frozen=True)
class RetryChains:
    """Runs that take up others.

    Attributes:
        retries: documents of the runs that take up a run, by its id, in any order.
    """

    retries: Mapping[str, Sequence[Document]] = field(default_factory=dict)

    def attempts_after(self, run_id: str) -> list[Document]:
        """Return the runs that take up a run, or one of those that do, the oldest first."""
        found: dict[str, Document] = {}
        waiting = [run_id]
        while waiting:
            for retry in self.retries.get(waiting.pop(), ()):
                name = str(retry["run_id"])
                if name not in found and name != run_id:
                    found[name] = retry
                    waiting.append(name)
        return sorted(found.values(), key=_start)

    def mended_by(self, run_id: str) -> Document | None:
        """Return the run that succeeded in the place of a run; None where none did."""
        attempts = self.attempts_after(run_id)
        return next((each for each in attempts if each["status"] == "SUCCEEDED"), None)

    def running_retry(self, run_id: str) -> Document | None:
        """Return the run that takes up a run and goes on; None where none does."""
        attempts = self.attempts_after(run_id)
        return next((each for each in attempts if each["status"] not in FINAL), None)

    def last_attempt(self, run_id: str) -> Document | None:
        """Return the newest run that takes up a run; None where none does."""
        attempts = self.attempts_after(run_id)
        return attempts[-1] if attempts else None

    def annotated(self, document: Document) -> dict[str, Any]:
        """Return a run's document with ``mended_by`` and ``retried_by``, ids or None."""
        run_id = str(document["run_id"])
        mended, last = self.mended_by(run_id), self.last_attempt(run_id)
        return {
            **document,
            "mended_by": mended and mended["run_id"],
            "retried_by": last and last["run_id"],
        }


def read_retry_chains(
    services: Services,
    target: str,
    documents: Iterable[Document],
    *,
    with_succeeded: bool = False,
) -> RetryChains:
    """Return the runs that take up those of some runs that failed or were ended.

    A facility is asked for the retries alone. The hosted service has no such filter: there all
    runs of the same flows are looked through that were started later.

    Args:
        services: the services of the target.
        target: ``local`` or ``globus``.
        documents: the runs.
        with_succeeded: whether those that succeeded are meant as well.
    """
    statuses = FINAL if with_succeeded else FINAL - {"SUCCEEDED"}
    ended = [each for each in documents if each["status"] in statuses]
    if not ended:
        return RetryChains()
    flow_ids = sorted({str(each["flow_id"]) for each in ended})
    query: dict[str, Any] = {
        "per_page": 100,
        "orderby": "start_time DESC",
        "filter_start_time": f"{min(map(_start, ended))},",
    }
    if len(flow_ids) <= _MAX_FLOWS:
        query["filter_flow_id"] = ",".join(flow_ids)
    if target == "local":
        query["filter_retries"] = "true"
    retries: dict[str, list[Document]] = defaultdict(list)
    for each in services.read_items("/runs", "runs", query):
        retried = retried_run_id(each)
        if retried is not None:
            retries[retried].append(each)
    return RetryChains(retries)


# Of one query; more are not told apart by it.
_MAX_FLOWS: Final = 100


def _start(document: Document) -> str:
    return str(document["start_time"])
