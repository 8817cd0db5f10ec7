from __future__ import annotations

import platform

import pytest

from headrace.compute.versions import mismatch, own_versions

OURS = {"python": "3.11.7", "dill": "0.3.9", "parsl": "2026.10.26"}


def test_its_own_are_told() -> None:
    assert own_versions()["python"] == platform.python_version()


@pytest.mark.parametrize(
    "theirs", [OURS, {**OURS, "python": "3.11.2"}, {"python": "3.11.2"}, {}, {"zmq": "1"}]
)
def test_what_does_not_matter(theirs: dict[str, str]) -> None:
    assert mismatch(OURS, theirs) == ""


def test_what_differs_is_named_in_one_line() -> None:
    line = mismatch(OURS, {"python": "3.12.1", "dill": "0.3.9", "parsl": "2025.1.6"})
    assert line.startswith(
        "the workers have python 3.12.1, parsl 2025.1.6, the endpoint python 3.11.7, "
        "parsl 2026.10.26: "
    )
    assert "\n" not in line
