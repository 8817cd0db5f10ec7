"""What is raised when a job cannot be run, or did not do its work."""

from __future__ import annotations

from enum import Enum

from .base import JobOutcome


class BatchJobError(RuntimeError):
    """A batch job failed; the message is one line with the way to its log.

    ::

        BatchJobError
        └── SchedulerError         the scheduler gives no answer
            └── SubmissionRefused  it does not take a job, or did not say that it has

    Attributes:
        outcome: how the job ended; None where none ran.
    """

    outcome: JobOutcome | None = None

    @classmethod
    def of(cls, outcome: JobOutcome, message: str) -> BatchJobError:
        """Return the error of a job that ended otherwise than well."""
        error = cls(message)
        error.outcome = outcome
        return error

    @property
    def retryable(self) -> bool:
        """Whether the same job may end otherwise another time."""
        return self.outcome is not None and self.outcome.retryable


class SchedulerError(BatchJobError):
    """The scheduler gives no answer, or one that cannot be read."""


class Refusal(Enum):
    """Why a job was not taken.

    The values say whether the refusal passes by itself.
    """

    UNANSWERED = "no answer: the job may have been taken all the same"
    LIMIT = "a limit of submitted jobs: there is room when others have ended"
    AWAY = "the scheduler cannot take jobs at the moment"
    UNCLEAR = "refused in words that are not known"
    FOR_GOOD = "the job itself is not accepted"

    @property
    def passing(self) -> bool:
        """Whether the same job may be taken later."""
        return self not in (Refusal.FOR_GOOD, Refusal.UNCLEAR)


class SubmissionRefused(SchedulerError):
    """The scheduler does not take a job, or did not say that it has.

    Args:
        message: one line.
        refusal: which of the two, and why.
    """

    def __init__(self, message: str, refusal: Refusal = Refusal.UNCLEAR) -> None:
        super().__init__(message, refusal)
        self.refusal = refusal

    def __str__(self) -> str:
        """Return the message."""
        return str(self.args[0])
