"""Where tests stand: beside the packages that they test, and what they share in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.layers import SERVICE_FILES, STAGES_FILES
from tests.support.repository import REPOSITORY, SOURCE

TESTS = REPOSITORY / "tests"
# Folders that mirror no package: Chromium, real Globus clients, real Slurm and MPI, kills and full
# disks.
OTHERS = {"browser", "clients", "faults", "hpc", "support"}
FILES = sorted(TESTS.rglob("*.py"))


def is_test(path: Path) -> bool:
    return path.name.startswith("test_") or path.name == "conftest.py"


def test_each_folder_mirrors_a_package() -> None:
    for folder in {path.parent.relative_to(TESTS) for path in FILES if is_test(path)}:
        if folder.parts and folder.parts[0] not in OTHERS:
            assert (SOURCE / "headrace" / folder / "__init__.py").is_file(), folder


def test_what_tests_share_stands_in_support() -> None:
    for path in FILES:
        inside = path.relative_to(TESTS)
        assert is_test(path) != (inside.parts[0] == "support") or inside.name == "__init__.py", path


def test_no_test_imports_another() -> None:
    """What two tests need is a helper."""
    wrong = [
        f"{path.relative_to(TESTS)} imports {node.module}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("tests")
        and not (node.module or "").startswith("tests.support")
    ]
    assert not wrong, "\n".join(wrong)


def test_the_files_that_have_a_layer_by_name_are_there() -> None:
    for name in (*SERVICE_FILES, *STAGES_FILES):
        assert (TESTS / name.partition("::")[0]).exists(), name


@pytest.mark.service
def test_a_unit_test_that_starts_a_process_or_listens_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    pytester.makepyfile(
        """
        import socket, subprocess, sys, threading
        import pytest

        def test_nothing():
            pass

        def test_process():
            subprocess.run([sys.executable, "-c", ""])

        def test_refusal_that_is_caught():
            try:
                subprocess.run([sys.executable, "-c", ""])
            except BaseException:
                pass

        def test_server():
            with socket.socket() as server:
                server.bind(("127.0.0.1", 0))

        @pytest.mark.service
        def test_of_another_layer():
            assert False
        """
    )
    done = pytester.runpytest_subprocess("-p", "tests.support.layers", "-m", "unit")
    done.assert_outcomes(passed=1, failed=3, deselected=1)
    done.stdout.fnmatch_lines(["*a unit test starts a process: subprocess.Popen*"])


@pytest.mark.service
@pytest.mark.parametrize(("layer", "count"), [("unit", 10), ("not slow", 50)])
def test_property_tests_have_fewer_examples_where_unit_is_run_by_itself(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, layer: str, count: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    pytester.makepyfile(
        f"""
        from hypothesis import given, strategies
        from tests.support.examples import examples

        tried = []

        @examples(50)
        @given(strategies.integers())
        def test_it(number):
            tried.append(number)

        def test_how_often():
            assert len(tried) == {count}
        """
    )
    plugins = [word for name in ("layers", "examples") for word in ("-p", f"tests.support.{name}")]
    pytester.runpytest_subprocess(*plugins, "-m", layer).assert_outcomes(passed=2)
