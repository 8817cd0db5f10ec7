from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from headrace.project.scaffold import FOLDERS

pytest.importorskip("hatchling", reason="hatchling builds the wheel")


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked as an installation has it."""
    if not (repository / "README.md").is_file():
        pytest.skip("the wheel needs README.md")
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target / "site")
    return target / "site"


def test_an_installation_makes_a_working_project(
    installed: Path, repository: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    program = "from headrace.cli import main; main()"

    def headrace(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    headrace("init", "new")
    assert "adjoint_sources" in headrace("flow", "list", "-C", "new")
    for folder in FOLDERS:
        expected = {
            path.relative_to(repository)
            for path in (repository / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        made = {
            path.relative_to(tmp_path / "new") for path in (tmp_path / "new" / folder).rglob("*")
        }
        assert expected <= made
    for directory in ("data/incoming", "data/runs", "data/inversion/iterations", "scratch"):
        assert (tmp_path / "new" / directory).is_dir()


def test_templates_and_static_files_of_pages_are_installed(
    installed: Path, repository: Path
) -> None:
    for folder in ("templates", "static"):
        source = repository / "src" / "headrace" / "web" / folder
        wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
        there = installed / "headrace" / "web" / folder
        assert wanted
        assert wanted <= {path.relative_to(there) for path in there.rglob("*")}


def test_an_installation_has_the_documentation_that_help_shows(
    installed: Path, repository: Path
) -> None:
    names = {path.name for path in (repository / "docs").glob("*.md")}
    # Pictures show the pages that whoever reads Help has before them: 1 MB that is not needed.
    assert {path.name for path in (installed / "headrace" / "web" / "docs").iterdir()} == names
