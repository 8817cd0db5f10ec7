"""Reducing what an engine says to a value or to one line."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.compute.task_messages import NotJSON, failure_line, read_result

LOST = """\
++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++
Traceback (most recent call last):
  File "/lib/executor.py", line 552, in _result_queue_worker
    s.reraise()
    ^^^^^^^^^^^
parsl.executors.high_throughput.errors.{name}: Task failure due to loss of {what} on host n1
--------------------------------------------------------------------"""

BLOCKS = """\
Traceback (most recent call last):
  File "/lib/executor.py", line 1, in submit
parsl.executors.errors.BadStateException: Executor x failed due to: Error 1:
\tEXIT CODE: 3
\tSTDOUT: nothing of use
\tSTDERR: module: command not found
no such environment

"""

SUBMIT = """\
parsl.jobs.errors.TooManyJobFailuresError: Error 1:
\tFailed to start block 0: Submit failed: Invalid partition name specified"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LOST.format(name="WorkerLost", what="worker 1"), "the worker that ran the task died"),
        (LOST.format(name="ManagerLost", what="manager"), "the node that ran the task was lost"),
        (BLOCKS, "exit code 3; module: command not found / no such environment"),
        (SUBMIT, "Failed to start block 0: Submit failed: Invalid partition name specified"),
        ("MaxResultSizeExceeded(11000005, 10485760)", "too large: 11000005 bytes, at most"),
        ("", "failed without a message"),
        ("a text that is no traceback", "a text that is no traceback"),
    ],
)
def test_known_failures(text: str, said: str) -> None:
    line = failure_line(text)
    assert said in line
    assert "\n" not in line


def test_the_last_exception_of_a_chain_counts() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise RuntimeError("second\n  indented\nlast") from error
    except RuntimeError:
        assert failure_line(traceback.format_exc()) == "RuntimeError: second indented last"


def test_an_exception_without_a_message() -> None:
    text = 'Traceback (most recent call last):\n  File "<string>", line 4, in f\nAssertionError\n'
    assert failure_line(text) == "AssertionError (line 4 of f)"


@given(st.text())
def test_it_is_always_one_line(text: str) -> None:
    line = failure_line(text)
    assert line
    assert "\n" not in line


def failure_with(message: str) -> str:
    return (
        f'Traceback (most recent call last):\n  File "<string>", line 4, in f\nOSError: {message}\n'
    )


def test_a_long_message_is_told_whole() -> None:
    message = " ".join(["/scratch/run/waveforms/station.mseed:", *["cannot be read,"] * 200, "so"])
    assert failure_line(failure_with(message)) == f"OSError: {message} (line 4 of f)"


def test_of_a_huge_message_both_ends_are_told_and_how_much_is_left_out() -> None:
    line = failure_line(failure_with("x" * 1_000_000 + " the way out"))
    assert line.startswith("OSError: xxx")
    assert line.endswith("xxx the way out (line 4 of f)")
    left_out = 1_000_000 + len("OSError:  the way out (line 4 of f)") - 20_000
    assert f" [... {left_out} characters are left out ...] " in line


def test_a_result_that_is_no_json_says_why_behind_many_empty_lines() -> None:
    text = failure_with("").replace("OSError", "SerializationError")
    text = text.rstrip() + " All strategies failed\n" + "\n" * 200_000
    # Looked at from each empty line to the last, they would take minutes.
    assert "All strategies failed" in failure_line(text)
    assert "not JSON: of type set" in failure_line(f"{text}  | TypeError: of type set\n")


@pytest.mark.parametrize("data", ["01\ngASV", "11\nNaN", "11\n[Infinity]", "11\n" + "[" * 100_000])
def test_results_that_are_not_json(data: str) -> None:
    with pytest.raises(NotJSON):
        read_result(data)


def test_a_result() -> None:
    assert read_result('11\n{"a": [1, null]}') == {"a": [1, None]}
