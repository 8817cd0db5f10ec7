"""Calls in a process of their own."""

from __future__ import annotations

import os
import signal

import pytest

from headrace._internal.forked_call import ForkedCall

pytestmark = [
    pytest.mark.service,
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def test_the_answer_comes_from_another_process():
    def call(word: str) -> tuple[str, int]:
        return word, os.getpid()

    word, process = ForkedCall(call, "there").result()
    assert word == "there"
    assert process != os.getpid()


def test_an_exception_is_raised_where_it_is_waited_for():
    def call() -> None:
        raise LookupError("no trace")

    with pytest.raises(LookupError, match="no trace"):
        ForkedCall(call).result()


def test_a_process_that_is_killed_is_told():
    def call() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(ChildProcessError, match="ended with code -9 before its work was done"):
        ForkedCall(call).result()


def test_one_that_nobody_waits_for_is_ended():
    def call() -> None:
        signal.pause()

    running = ForkedCall(call)
    running.end()
    with pytest.raises(ChildProcessError):
        running.result()
