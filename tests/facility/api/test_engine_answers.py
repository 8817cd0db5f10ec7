"""Answers of the engine's thread reach those who wait for them, with one waking of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from headrace.facility.api.engine_answers import EngineAnswers
from headrace.facility.engine.run_starter import Wake


def test_answers_that_go_together_share_what_wakes_the_loop() -> None:
    async def answered() -> list[int]:
        answers = EngineAnswers(asyncio.get_running_loop())
        dones: list[Callable[[int], Wake]] = []
        tasks = [asyncio.create_task(answers.wait(dones.append)) for _ in range(3)]
        await asyncio.sleep(0)
        # Who asked may have gone meanwhile.
        tasks[1].cancel()
        await asyncio.wait(tasks[1:2])
        [wake] = {done(number) for number, done in enumerate(dones)}
        assert not tasks[0].done()
        await asyncio.to_thread(wake)
        return await asyncio.gather(tasks[0], tasks[2])

    assert asyncio.run(answered()) == [0, 2]


def test_an_answer_for_a_loop_that_has_ended_stops_nobody() -> None:
    dones: list[Callable[[int], Wake]] = []

    async def ask() -> None:
        answers = EngineAnswers(asyncio.get_running_loop())
        waiting = asyncio.create_task(answers.wait(dones.append))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(ask())
    dones[0](1)()
