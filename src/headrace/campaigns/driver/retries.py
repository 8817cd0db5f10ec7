"""Retries of failed attempts: whose fault it was, and whether, when and where to try again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from headrace._internal.backoff import backoff_seconds
from headrace.compute.attempts.cause_names import FailureCause

LONGEST_BACKOFF: Final = 3600.0
"""Seconds before another attempt at most."""

_GROWS_AFTER: Final = FailureCause.MEMORY.value


class RetryRules(Protocol):
    """The table ``[retries]`` of a campaign."""

    @property
    def attempts(self) -> int:
        """Attempts at a leg that count."""
        ...

    @property
    def free(self) -> tuple[str, ...]:
        """Categories that are not the member's fault."""
        ...

    @property
    def free_attempts(self) -> int:
        """Attempts at a leg that do not count, at most."""
        ...

    @property
    def on(self) -> tuple[str, ...]:
        """Categories that are tried again."""
        ...

    @property
    def backoff_seconds(self) -> float:
        """Seconds before the second attempt."""
        ...

    @property
    def move(self) -> bool:
        """True if the next attempt is to take another lane."""
        ...

    @property
    def grow(self) -> Mapping[str, float]:
        """By what resources grow after an attempt that was out of memory."""
        ...


@dataclass(frozen=True)
class AttemptFailure:
    """Failure of an attempt.

    Attributes:
        category: its kind, as `headrace.runs.failure_category` names it; empty where it is unknown.
        is_code_error: whether it is an error of the code or the flow.
    """

    category: str
    is_code_error: bool = False

    @property
    def known_category(self) -> str:
        """Its kind; that of the program's errors where nothing else is known."""
        return self.category or FailureCause.PROGRAM.value


@dataclass(frozen=True)
class RetryDecision:
    """Decision after the failure of an attempt.

    Attributes:
        again: whether the member is tried again.
        counted: whether the failure is the member's own.
        wait: seconds until the next attempt.
        moves: whether the next attempt takes another lane, where there is one.
        grow: factors of resources from now on.
        reason: why it is not tried again; empty where it is.
    """

    again: bool
    counted: bool
    wait: float = 0.0
    moves: bool = False
    grow: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


def decide_retry(
    rules: RetryRules,
    failure: AttemptFailure,
    *,
    counted: int,
    free: int,
    grown: Mapping[str, float],
) -> RetryDecision:
    """Decide what follows from a failure.

    Args:
        rules: the campaign's.
        failure: the failure.
        counted: failures of this leg that count, without this one.
        free: failures of this leg that do not, without this one.
        grown: factors of resources until now.
    """
    is_free = failure.known_category in rules.free and not failure.is_code_error
    if is_free and free >= rules.free_attempts:
        reason = f"{free + 1} attempts of this leg ended by: {failure.known_category}"
        return RetryDecision(False, False, grow=grown, reason=reason)
    if is_free:
        wait = backoff_seconds(free, rules.backoff_seconds, LONGEST_BACKOFF)
        return RetryDecision(True, False, wait, rules.move, grown)
    reason = _refusal(rules, failure, counted + 1)
    if reason:
        return RetryDecision(False, True, grow=grown, reason=reason)
    factors = dict(grown)
    if failure.known_category == _GROWS_AFTER:
        factors |= {name: grown.get(name, 1.0) * by for name, by in rules.grow.items()}
    wait = backoff_seconds(counted, rules.backoff_seconds, LONGEST_BACKOFF)
    return RetryDecision(True, True, wait, rules.move, factors)


def _refusal(rules: RetryRules, failure: AttemptFailure, failures: int) -> str:
    """Return why a failure that is the member's own ends it; empty where it does not."""
    if failure.is_code_error:
        return "an error of the code, which another attempt meets again"
    if failure.known_category not in rules.on:
        return f"not tried again after: {failure.known_category}"
    return f"attempt {failures} of {rules.attempts}" if failures >= rules.attempts else ""
