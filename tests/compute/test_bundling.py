"""Functions that bring the batch jobs package along."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from headrace.compute import ComputeError, bundling, find_functions

FORWARD = '''
def forward(script: str, workdir: str) -> dict:
    """Run a job."""
    from headrace.compute.batch import run_batch_job

    return run_batch_job(script, workdir, how="here")
'''


def write(directory: Path, text: str, name: str = "forward") -> None:
    (directory / f"{name}.py").write_text(textwrap.dedent(text))


def test_the_package_works_where_nothing_of_ours_is(tmp_path: Path):
    functions = tmp_path / "functions"
    functions.mkdir()
    write(functions, FORWARD)
    code = find_functions(functions)["forward"].code
    text = code.partition(":")[2]
    script = tmp_path / "job.sh"
    script.write_text("echo $HEADRACE_RANKS > ranks\n")
    program = f"""
import sys
sys.modules["headrace"] = None  # not to be had
exec({text!r})
import json
for _ in range(2):
    print(json.dumps(forward({str(script)!r}, {str(tmp_path / "w")!r})))
print(sum(hasattr(finder, "bundle") for finder in sys.meta_path))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, _, finders = done.stdout.splitlines()
    assert json.loads(first)["description"] == "finished"
    assert finders == "1"
    assert (tmp_path / "w" / "ranks").read_text() == "1\n"
    assert len(code) < 40_000


def test_comments_stay_at_home_and_texts_are_whole() -> None:
    script = 'A = """#!/bin/bash\n# a line of a script\n"""\n'
    text = f"{script}# why\ndef f():\n    # why\n    return 1  # end\n"
    left = f"{script}\ndef f():\n\n    return 1  # end\n"
    assert bundling._without_comments(text) == left


def test_the_same_sources_give_the_same_text(tmp_path: Path):
    write(tmp_path, FORWARD)
    assert find_functions(tmp_path)["forward"].sha256 == find_functions(tmp_path)["forward"].sha256


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import headrace.compute.batch", "write `from headrace.compute.batch import"),
        ("from headrace.flowlang import parse_flow", "not on the machine where the function runs"),
        ("import headrace", "it can bring headrace.compute.batch"),
    ],
)
def test_what_cannot_be_brought_is_refused(tmp_path: Path, body: str, words: str):
    write(tmp_path, f'def forward() -> None:\n    """Doc."""\n    {body}\n    return None\n')
    with pytest.raises(ComputeError, match=words):
        find_functions(tmp_path)
