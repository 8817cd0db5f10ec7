"""Interface of an action provider of another package."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

ACTIVE: Final = "ACTIVE"
INACTIVE: Final = "INACTIVE"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"


@dataclass(frozen=True)
class ActionStatus:
    """Status of an action.

    Attributes:
        status: ``ACTIVE``; ``INACTIVE`` until a person resumes the run; ``SUCCEEDED``; ``FAILED``.
        details: JSON: the progress, the reason to wait, the result, or the reason of the failure.
    """

    status: str
    details: Any = None


class ActionProvider(ABC):
    """Action provider that runs inside the facility's process.

    Its methods are called by threads of the facility, several at once, but never two for the same
    action. One that raises has not answered: it is called again after longer and longer pauses,
    until the action's ``WaitTime`` is over, and the run shows why.

    Args:
        directory: a private directory for what it stores.

    Attributes:
        url: the ``ActionUrl`` in flows.
        title: a name for messages.
        input_schema: JSON schema (draft 7, without ``$ref``) of a body.
        result_schema: JSON schema of the ``details`` of an action that succeeded.
        takes_long: whether actions often take longer than the default ``WaitTime``.
        poll_seconds: seconds before the status is asked for the first time; each later pause is
            twice as long, up to a minute.
    """

    url: ClassVar[str]
    title: ClassVar[str]
    input_schema: ClassVar[dict[str, Any]]
    result_schema: ClassVar[dict[str, Any] | bool] = True
    takes_long: ClassVar[bool] = False
    poll_seconds: ClassVar[float] = 1.0

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @abstractmethod
    def run(self, action_id: str, body: dict[str, Any]) -> ActionStatus:
        """Start an action, or return the status of one that was started already.

        It is called again with the same id after a restart of the facility, and must not start
        the work twice then.

        Args:
            action_id: the action's id, unique for ever.
            body: the body; it fits ``input_schema``.
        """

    @abstractmethod
    def status(self, action_id: str) -> ActionStatus:
        """Return the status of an action that was started."""

    def cancel(self, action_id: str) -> None:
        """Stop an action, which has ended for its run; it may be one that was never started."""
        del action_id

    def release(self, action_id: str) -> None:
        """Delete what is stored of an action that has ended; a facility that dies may skip it."""
        del action_id

    @classmethod
    def example_result(cls, body: dict[str, Any]) -> Any:
        """Return a result as ``headrace.testing`` gives it where a test scripts none.

        Raises:
            NotImplementedError: tests must script the provider.
        """
        raise NotImplementedError
