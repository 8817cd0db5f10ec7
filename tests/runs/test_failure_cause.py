"""Causes of failures: those that another run meets again, and those that it may not."""

from __future__ import annotations

import pytest

from headrace.runs.failure_cause import FailureCause, is_code_error


@pytest.mark.parametrize(
    ("exception", "text", "expected"),
    [
        ("ActionFailedException", "TypeError: unsupported operand", True),
        ("KeyError", "'traces'", True),
        ("States.NoChoiceMatched", "no choice matched", True),
        ("ActionFailedException", "OSError: [Errno 28] No space left on device", False),
        ("ActionFailedException", "TimeoutError: no answer in 60 s", False),
        ("States.Timeout", "the state took longer than 60 s", False),
        ("NodeLost", "the node n42 was lost", False),
        ("ActionFailedException", "RuntimeError: job 7 was ended at its walltime", False),
    ],
)
def test_errors_of_the_code_are_told_from_others(exception: str, text: str, expected: bool) -> None:
    assert is_code_error(FailureCause(text, exception, "A", text)) is expected
