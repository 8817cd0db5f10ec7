"""Errors of batch jobs and of schedulers."""

from __future__ import annotations

from enum import Enum

from .jobs import CompletionStatus


class BatchJobError(RuntimeError):
    """A batch job failed; the message is one line with the way to its log.

    ::

        BatchJobError
        └── SchedulerError         the scheduler gives no answer
            └── SubmissionRefused  it does not accept a job, or did not answer

    Attributes:
        status: outcome of the job; None where none ran.
    """

    status: CompletionStatus | None = None

    @classmethod
    def with_status(cls, status: CompletionStatus, message: str) -> BatchJobError:
        """Return the error of a job that ended otherwise than well."""
        error = cls(message)
        error.status = status
        return error

    @property
    def retryable(self) -> bool:
        """True where the same job may end otherwise another time."""
        return self.status is not None and self.status.retryable


class SchedulerError(BatchJobError):
    """The scheduler gives no answer, or one that cannot be read."""


class Refusal(Enum):
    """Reason for which a job was not accepted."""

    UNANSWERED = "no answer: the job may have been accepted all the same"
    LIMIT = "a limit of submitted jobs: it may be accepted when others have ended"
    UNAVAILABLE = "the scheduler cannot accept jobs at the moment"
    UNRECOGNIZED = "refused in words that are not known"
    PERMANENT = "the job itself is not accepted"

    @property
    def transient(self) -> bool:
        """True where the same job may be accepted later."""
        return self not in (Refusal.PERMANENT, Refusal.UNRECOGNIZED)


class SubmissionRefused(SchedulerError):
    """The scheduler does not accept a job, or did not answer.

    Args:
        message: one line.
        refusal: the reason.
    """

    def __init__(self, message: str, refusal: Refusal = Refusal.UNRECOGNIZED) -> None:
        super().__init__(message, refusal)
        self.refusal = refusal

    def __str__(self) -> str:
        """Return the message."""
        return str(self.args[0])
