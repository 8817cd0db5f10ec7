"""A service in memory whose runs end when a test says so, and which may not answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headrace.runs.run_outcomes import RunOutcome
from tests.support.triggers.trigger_watch import MemoryRunClient


class MemoryRunService(MemoryRunClient):
    """A run client whose runs have outcomes."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: dict[str, RunOutcome] = {}
        self.retries: dict[str, str] = {}
        self.answers = True
        self.questions = 0

    def outcomes(self, run_ids: Sequence[str]) -> Mapping[str, RunOutcome]:
        self.questions += 1
        if not self.answers:
            raise ConnectionError("the service does not answer")
        return {run_id: self.ended[run_id] for run_id in run_ids if run_id in self.ended}

    def find_retry(self, run_id: str) -> str | None:
        self._maybe_fail("find")
        return self.retries.get(run_id)

    def retry(self, run_id: str, tag: str) -> str:
        self._maybe_fail("before")
        assert self.ended[run_id].status == "FAILED", "a run that did not fail is taken up"
        assert run_id not in self.retries, "a second run takes up a run"
        self.retries[run_id] = f"retry of {run_id}"
        self._maybe_fail("after")
        return self.retries[run_id]

    def run_of(self, name: str) -> str:
        """The id of the newest run on an arrival of this name."""
        (*_, tag) = [tag for tag, arrival in self.runs.items() if arrival.name == name]
        run_id = f"run of {tag}"
        while run_id in self.retries:
            run_id = self.retries[run_id]
        return run_id

    def end(
        self, name: str, status: str = "SUCCEEDED", cause: str = "", *, by_code: bool = False
    ) -> None:
        """The run on an arrival of this name ends."""
        self.ended[self.run_of(name)] = RunOutcome(status, cause, by_code)

    @property
    def started(self) -> list[str]:
        """The names of the arrivals in the order of their runs."""
        return [arrival.name for arrival in self.runs.values()]
