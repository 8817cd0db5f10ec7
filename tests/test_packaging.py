"""What is imported is declared, and the core alone can be installed and used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

EXTRAS_OF = {
    "compute": {"endpoint"},
    "datarun": {"datarun"},
    "md": {"md"},
    "ert": {"ert"},
    "seismic": {"seismic", "inversion"},
    "notifications": {"notify"},
    "testing": {"testing"},
    "campaigns": {"tables", "endpoint"},
    "python_api": {"pandas", "datarun"},
    # Commands of the science packages read their data.
    "cli": {"seismic", "datarun"},
    "demos": {"seismic", "datarun"},
    # Pages of pipelines show their data.
    "pipelines": {"datarun"},
    "ranks": {"seismic"},
    "_internal": {"seismic"},
}
"""Packages of ours that may import what an extra brings."""


def distribution(name: str) -> str:
    """Spell the name of a distribution as the package index does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    names = (re.match(r"[\w.-]+", one) for one in requirements)
    return {distribution(name[0]) for name in names if name}


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level packages that a module imports, other than Python's and ours."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        for name in names:
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and top != "headrace":
                yield top


SOURCE = REPOSITORY / "src" / "headrace"
PACKAGES = sorted(
    path.stem
    for path in SOURCE.iterdir()
    if path.suffix == ".py" or (path / "__init__.py").is_file()
)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_declared(package: str) -> None:
    known = packages_distributions()
    allowed = declared(PROJECT["dependencies"])
    for extra in EXTRAS_OF.get(package, ()):
        allowed |= declared(PROJECT["optional-dependencies"][extra])
    single = SOURCE / f"{package}.py"
    for path in [single] if single.is_file() else sorted((SOURCE / package).rglob("*.py")):
        for top in imported(path):
            homes = {distribution(one) for one in known.get(top, [top])}
            assert homes & allowed, f"{path.relative_to(REPOSITORY)} imports {top}: {sorted(homes)}"


def test_every_pinned_version_is_one() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 100
    for pin in pins:
        assert re.fullmatch(r"[\w.-]+==[\w.+!]+", pin), pin
    wanted = declared(PROJECT["dependencies"])
    assert wanted <= declared(pins)


def test_a_flow_is_checked_without_the_compute_sdk() -> None:
    flow = REPOSITORY / "flows" / "transfer" / "definition.json"
    program = (
        "import sys\nfrom headrace.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    loaded = [name for name in sys.modules if name.startswith('globus_compute')]\n"
        "    assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "flow", "check", str(flow)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_core_alone_checks_a_flow(tmp_path: Path) -> None:
    """A wheel without extras, in an environment of its own, from the package index."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    program = tmp_path / "venv" / "bin"
    subprocess.run(
        [program / "pip", "install", "--quiet", "-c", REPOSITORY / "constraints.txt", wheel],
        check=True,
        timeout=280,
    )
    listed = subprocess.run(
        [program / "pip", "list"], capture_output=True, text=True, check=True
    ).stdout.lower()
    for absent in ("parsl", "obspy", "numba", "mpich", "pytest"):
        assert f"\n{absent} " not in listed
    done = subprocess.run(
        [
            program / "headrace",
            "flow",
            "check",
            REPOSITORY / "flows" / "transfer" / "definition.json",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
