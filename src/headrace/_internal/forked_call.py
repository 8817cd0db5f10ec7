"""A call in a process of its own, which has all that this one has imported and read."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class ForkedCall(Generic[Answer]):
    """A call that is made beside what the caller goes on to do.

    It is for programs without threads: a thread that holds a lock is not there in the new process.

    Args:
        function: what is called; its answer, and an exception of it, are pickled.
        *arguments: of the call; not pickled.
    """

    def __init__(self, function: Callable[..., Answer], *arguments: Any) -> None:
        context = multiprocessing.get_context("fork")
        self._answers, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_send_answer, args=(sender, function, arguments))
        self._process.start()
        sender.close()  # so that the end of the process is an end of the pipe

    def result(self) -> Answer:
        """Wait for the answer.

        Raises:
            ChildProcessError: the process ended without one, such as by a signal.
            Exception: what the call raised.
        """
        try:
            succeeded, answer = self._answers.recv()
        except EOFError:
            self._process.join()
            raise ChildProcessError(
                f"a process ended with code {self._process.exitcode} before its work was done"
            ) from None
        finally:
            self._answers.close()
        self._process.join()
        if not succeeded:
            raise answer
        found: Answer = answer
        return found

    def end(self) -> None:
        """End the process, if it still runs."""
        self._process.kill()
        self._process.join()


def _send_answer(
    sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    try:
        answer = True, function(*arguments)
    except Exception as error:  # noqa: BLE001 - raised where it is waited for
        answer = False, error
    sender.send(answer)
