"""Following the runs of arrivals to their ends, and what follows from these."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from headrace._internal.backoff import backoff_seconds
from headrace.config.project_config import at_option
from headrace.runs.run_outcomes import RunOutcome
from headrace.triggers.arrival_finisher import ArrivalFinisher
from headrace.triggers.arrival_location import arrival_from_record
from headrace.triggers.arrival_runs import OutcomeRules, RecordedOutcome
from headrace.triggers.errors import LedgerUnusable
from headrace.triggers.events import RunEnded, TriggerHeld, WatchEvent
from headrace.triggers.ledger import Ledger
from headrace.triggers.problem_reporter import ProblemReporter, describe_error
from headrace.triggers.run_service import RunService
from headrace.triggers.state_files import target_of
from headrace.triggers.trigger import Trigger

# A service that does not answer is asked again after so long at most (s).
_LONGEST_SILENCE: Final = 60.0
# Runs that are asked for at a time.
_PORTION: Final = 200


class RunFollower:
    """Asks the service how the open runs of a trigger ended, and writes it into the ledger.

    Args:
        trigger: the trigger.
        ledger: the ledger.
        service: where the runs are.
        on_event: called with what follows from the end of a run.
        clock: monotonic time in s.
        interval: seconds between two questions.
    """

    def __init__(
        self,
        trigger: Trigger,
        ledger: Ledger,
        service: RunService,
        on_event: Callable[[WatchEvent], None],
        clock: Callable[[], float],
        *,
        interval: float = 1.0,
    ) -> None:
        self._trigger = trigger
        self._ledger = ledger
        self._service = service
        self._on_event = on_event
        self._interval = interval
        self._rules = outcome_rules(trigger)
        self._finisher = ArrivalFinisher(trigger, ledger, on_event, clock)
        self._problems = ProblemReporter(trigger.name, on_event, clock)
        self._unanswered = 0
        self._next = 0

    def run(self, stopping: threading.Event) -> None:
        """Follow runs until the end.

        Args:
            stopping: set when all is to end.

        Raises:
            LedgerUnusable: nothing may be done any more.
        """
        wait = 0.0
        while not stopping.wait(wait):
            wait = self.poll()

    def poll(self) -> float:
        """Ask for open runs once.

        Returns:
            seconds after which to ask again.

        Raises:
            LedgerUnusable: nothing may be done any more.
        """
        try:
            self._record_outcomes()
        except LedgerUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - no answer: it is asked again
            self._problems.report(
                f"cannot ask how the runs that are open ended: {describe_error(error)}"
            )
            self._unanswered += 1
            return backoff_seconds(self._unanswered - 1, self._interval, _LONGEST_SILENCE)
        self._unanswered = 0
        return self._interval

    def _record_outcomes(self) -> None:
        portion = self._portion()
        ended = []
        try:
            for run_id, outcome in self._service.outcomes(portion).items() if portion else ():
                recorded = self._ledger.runs.record_outcome(run_id, outcome, self._rules)
                if recorded is not None:
                    ended.append((run_id, outcome, recorded))
            # First, so that who hears of an end finds everything done that follows from it.
            self._finisher.finish_due()
        finally:
            # Also where the ledger cannot be written any more: these are not told again.
            for each in ended:
                self._report_end(*each)

    def _report_end(self, run_id: str, outcome: RunOutcome, recorded: RecordedOutcome) -> None:
        arrival = arrival_from_record(self._trigger, recorded.record)
        wait = recorded.retry_in if recorded.consequence == "retry" else None
        self._on_event(RunEnded(arrival, run_id, outcome.status, outcome.cause, wait))
        if recorded.consequence == "hold":
            name, at = self._trigger.name, at_option(target_of(self._ledger.path))
            self._on_event(
                TriggerHeld(
                    name,
                    f"the run of {arrival.name}, {run_id}, failed: {outcome.cause}; mend it, then "
                    f"`headrace trigger resume {name}{at}`",
                )
            )

    def _portion(self) -> list[str]:
        """Return runs to ask for: all get their turn, however many of the first stay open."""
        open_runs = self._ledger.runs.open_runs(self._trigger.name)
        first = self._next if self._next < len(open_runs) else 0
        portion = open_runs[first : first + _PORTION]
        self._next = first + len(portion)
        return portion


def outcome_rules(trigger: Trigger) -> OutcomeRules:
    """Return what follows from the ends of a trigger's runs."""
    failure = trigger.failure
    return OutcomeRules(
        runs=failure.attempts,
        backoff=failure.backoff,
        hold=failure.then == "hold",
        afterwards=bool(trigger.afterwards),
        retry_code_errors=failure.code_errors,
    )
