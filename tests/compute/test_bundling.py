"""Functions that bring the batch jobs package along."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
import textwrap
from importlib.metadata import version
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
    (tmp_path / "registered.txt").write_text(code.partition(":")[2])
    script = tmp_path / "job.sh"
    script.write_text("echo $HEADRACE_RANKS > ranks\n")
    program = f"""
import sys
sys.modules["headrace"] = None  # not to be had
exec(open({str(tmp_path / "registered.txt")!r}).read())
import hashlib
import importlib.util
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
    assert len(code) < 250_000


@pytest.mark.parametrize("package", bundling.BUNDLED_PACKAGES)
def test_what_is_registered_is_read_as_it_stands_in_its_files(tmp_path: Path, package: str) -> None:
    name = {"batch": "run_batch_job", "scheduler": "get_scheduler", "stages": "run_stage"}
    name |= {"attempts": "run_repeated_job", "packs": "run_pack"}
    imported = name[package.rpartition(".")[2]]
    write(tmp_path, FORWARD.replace("headrace.compute.batch import run_batch_job",
                                    f"{package} import {imported} as run_batch_job"))  # fmt: skip
    lines = find_functions(tmp_path)["forward"].registered_code("survey").splitlines()
    spec = importlib.util.find_spec(package)
    assert spec is not None
    for folder in spec.submodule_search_locations or ():
        for module in Path(folder).rglob("*.py"):
            path = f"{package.replace('.', '/')}/{module.relative_to(folder)}"
            assert f"\"{path}\": r'''" in lines
            assert set(module.read_text().splitlines()) <= set(lines)
    comment = f"# from {package} import {imported} as run_batch_job"
    assert any(line.endswith(comment) for line in lines)


def test_a_header_says_what_is_registered(tmp_path: Path) -> None:
    write(tmp_path, f'"""A function."""\n\nfrom __future__ import annotations\n\n{FORWARD}')
    function = find_functions(tmp_path)["forward"]
    lines = function.registered_code("a\nsurvey").removeprefix("st\nforward:").splitlines()
    assert lines[:3] == [
        "# Compute function forward of the project a survey",
        f"# registered by headrace {version('headrace')}",
        f"# from {tmp_path.name}/forward.py",
    ]
    digest = hashlib.sha256("\n".join([*lines[4:], ""]).encode()).hexdigest()
    assert lines[3] == f"# sha256 of the text below this line: {digest}"
    assert digest == function.sha256
    definition = "def forward(script: str, workdir: str) -> dict:"
    own = function.path.read_text().splitlines()
    assert own.index(definition) == lines.index(definition), "so tracebacks name the file's lines"


def test_two_packages_come_in_one_bundle(tmp_path: Path) -> None:
    stages = "    from headrace.compute.stages import run_stage\n\n"
    write(tmp_path, FORWARD.replace("    return", f"{stages}    return"))
    text = find_functions(tmp_path)["forward"].text
    assert text.count('import_from_texts("headrace_bundle_') == 1
    assert text.count('"headrace/compute/scheduler/__init__.py"') == 1
    assert '"headrace/compute/stages/__init__.py"' in text


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
