"""Answers of the engine's thread, handed to an event loop together."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.requests import Request

from headrace.facility.engine.run_starter import Wake

T = TypeVar("T")


class EngineAnswers:
    """Answers that other threads have for requests of one event loop.

    To wake a loop costs a system call, and a change of the thread that runs: those that are
    answered together share it.

    Args:
        loop: the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._arrived: deque[tuple[asyncio.Future[Any], Any]] = deque()

    async def wait(self, submit: Callable[[Callable[[T], Wake]], None]) -> T:
        """Submit work to another thread, and wait for its answer.

        Args:
            submit: takes the function to be called with the answer, by any thread; what that one
                returns is called afterwards, once for all answers that go together.
        """
        future: asyncio.Future[T] = self.loop.create_future()

        def done(answer: T) -> Wake:
            self._arrived.append((future, answer))
            return self._wake

        submit(done)
        return await future

    def _wake(self) -> None:
        # The server may have ended meanwhile, and the loop with it.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        while self._arrived:
            future, answer = self._arrived.popleft()
            # Who asked may have gone meanwhile.
            if not future.done():
                future.set_result(answer)


async def answer_of(request: Request, submit: Callable[[Callable[[T], Wake]], None]) -> T:
    """Submit work to the engine's thread, and wait for its answer; as :class:`EngineAnswers`."""
    loop, state = asyncio.get_running_loop(), request.app.state
    answers: EngineAnswers | None = getattr(state, "engine_answers", None)
    if answers is None or answers.loop is not loop:
        answers = state.engine_answers = EngineAnswers(loop)
    return await answers.wait(submit)
