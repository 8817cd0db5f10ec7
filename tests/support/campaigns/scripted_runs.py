"""A service of runs for tests of the driver: it outlives drivers, and does what a script says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from headrace.campaigns.driver.run_service import EndedPage, EndedRun, RunAnswer, RunRequest
from headrace.runs.run_outcomes import RunOutcome, gone_outcome

SUCCEEDED = RunOutcome("SUCCEEDED")


class Unreachable(Exception):
    """Nobody answered."""


@dataclass
class ScriptedRun:
    """A run of the service."""

    run_id: str
    request: RunRequest
    started: datetime
    ends_at: datetime
    outcome: RunOutcome = SUCCEEDED
    output: Any = None
    cancelled: bool = False
    is_deleted: bool = False

    @property
    def body(self) -> Mapping[str, Any]:
        return self.request.body

    def has_ended(self, now: datetime) -> bool:
        return self.ends_at <= now


@dataclass
class Ending:
    """How a run ends, and when."""

    outcome: RunOutcome = SUCCEEDED
    output: Any = None
    seconds: float = 1.0


def failed(cause: str = "it failed", category: str = "", *, by_code: bool = False) -> Ending:
    return Ending(RunOutcome("FAILED", cause, by_code, category))


def gone_for(seconds: float) -> Ending:
    """Return the end of a run that is under way for long."""
    return Ending(seconds=seconds)


@dataclass
class ScriptedRuns:
    """The service: one run for each tag, however often it is asked for.

    Attributes:
        now: the time, in UTC.
        script: says how a run ends, by its request and how many runs with this body there were.
        refuse: says why a request is refused for good; "" where it is not.
        put_off: says whether a request has no answer now, though others have.
        flows: flows of which runs were asked for, by the tags of the requests.
    """

    now: Callable[[], datetime]
    script: Callable[[RunRequest, int], Ending] = lambda request, earlier: Ending()
    refuse: Callable[[RunRequest], str] = lambda request: ""
    put_off: Callable[[RunRequest], bool] = lambda request: False
    runs: dict[str, ScriptedRun] = field(default_factory=dict)
    by_tag: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    lose_answers: int = 0
    is_down: bool = False
    requests: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    flows: dict[str, set[str]] = field(default_factory=dict)

    def start(self, requests: Sequence[RunRequest]) -> list[RunAnswer]:
        self._call("start")
        answers = []
        for request in requests:
            self.flows.setdefault(request.tag, set()).add(request.flow)
            if self.put_off(request):
                answers.append(RunAnswer())
                continue
            if problem := self.refuse(request):
                answers.append(RunAnswer(problem=problem))
                continue
            if request.tag not in self.by_tag:
                self._begin(request)
            answers.append(RunAnswer(self.by_tag[request.tag]))
        self.requests += len(requests)
        if self.lose_answers:
            self.lose_answers -= 1
            raise Unreachable("the connection was lost")
        return answers

    def _begin(self, request: RunRequest) -> None:
        earlier = sum(run.body == request.body for run in self.runs.values())
        ending = self.script(request, earlier)
        run_id = f"run-{len(self.runs) + 1}"
        self.by_tag[request.tag] = run_id
        self.runs[run_id] = ScriptedRun(
            run_id,
            request,
            self.now(),
            self.now() + timedelta(seconds=ending.seconds),
            ending.outcome,
            ending.output,
        )

    def ended(
        self,
        flows: Sequence[str],
        since: datetime,
        ours: Callable[[Sequence[str]], Collection[str]],
    ) -> Iterator[EndedPage]:
        self._call("ended")
        now = self.now()
        found = [
            run
            for run in self.runs.values()
            if run.request.flow in flows and since <= run.ends_at <= now and not run.is_deleted
        ]
        found.sort(key=lambda run: run.ends_at)
        for first in range(0, len(found), 100):
            page = found[first : first + 100]
            wanted = ours([run.run_id for run in page])
            yield EndedPage(
                [self._ended(run) for run in page if run.run_id in wanted], page[-1].ends_at
            )

    def open_runs(self, flows: Sequence[str]) -> set[str]:
        self._call("open_runs")
        now = self.now()
        return {
            run.run_id
            for run in self.runs.values()
            if run.request.flow in flows and not run.has_ended(now) and not run.is_deleted
        }

    def read(self, run_ids: Sequence[str]) -> list[EndedRun]:
        self._call("read")
        found = []
        for run_id in run_ids:
            run = self.runs.get(run_id)
            if run is None or run.is_deleted:
                found.append(EndedRun(run_id, gone_outcome()))
            elif run.has_ended(self.now()):
                found.append(self._ended(run))
        return found

    def waiting(self, flows: Sequence[str]) -> dict[str, str]:
        self._call("waiting")
        return dict(self.questions)

    def cancel(self, run_ids: Sequence[str]) -> None:
        self._call("cancel")
        for run_id in run_ids:
            run = self.runs[run_id]
            if not run.has_ended(self.now()):
                run.cancelled = True
                run.ends_at = self.now()
                run.outcome = RunOutcome("FAILED", "cancelled", category="cancelled")
                run.output = None

    def endpoint_problem(self, endpoint: str, profile: str) -> str:
        self._call("endpoint_problem")
        return self.problems.get(endpoint, "")

    def end_now(self, run_id: str, ending: Ending) -> None:
        """End a run that is under way."""
        run = self.runs[run_id]
        run.ends_at, run.outcome, run.output = self.now(), ending.outcome, ending.output

    def under_way(self) -> list[ScriptedRun]:
        return [run for run in self.runs.values() if not run.has_ended(self.now())]

    def bodies(self, flow: str = "") -> list[Mapping[str, Any]]:
        """Return the inputs of all runs, the oldest first."""
        return [run.body for run in self.runs.values() if flow in ("", run.request.flow)]

    @staticmethod
    def _ended(run: ScriptedRun) -> EndedRun:
        return EndedRun(run.run_id, run.outcome, run.output)

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        if self.is_down:
            raise Unreachable("no facility is running")
