"""The scrontab entry, with a stand-in for `scrontab`: Debian packages none."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.endpoints.monitor import install_scrontab, remove_scrontab
from headrace.project import Project, init_project, load_project

STAND_IN = """#!/bin/sh
case "$1" in
-l) [ -f "$TABLE" ] && cat "$TABLE" || { echo "no crontab for user" >&2; exit 1; } ;;
-) cat > "$TABLE.new"; grep -q forbidden "$TABLE.new" && { echo "bad entry" >&2; exit 1; }
   mv "$TABLE.new" "$TABLE" ;;
*) exit 2 ;;
esac
"""
OTHERS = "# mine\n#SCRON -t 1\n0 3 * * * backup\n"


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "scrontab"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    monkeypatch.setenv("TABLE", str(tmp_path / "table"))
    return tmp_path / "table"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    init_project(tmp_path / "p")
    return load_project(tmp_path / "p")


def test_the_entry_is_put_beside_those_of_others(project: Project, table: Path) -> None:
    table.write_text(OTHERS)
    entry = install_scrontab(project, "globus")
    text = table.read_text()
    assert text == OTHERS + entry
    assert "#SCRON --dependency=singleton" in entry
    assert "#SCRON --open-mode=append" in entry
    assert f"endpoint monitor --once --canary --project {project.root} --at globus" in entry
    assert "@" not in entry
    install_scrontab(project, "globus")
    assert table.read_text() == text
    assert remove_scrontab(project)
    assert table.read_text() == OTHERS
    assert not remove_scrontab(project)


def test_a_cancelled_entry_is_replaced(project: Project, table: Path) -> None:
    install_scrontab(project, "local")
    good = table.read_text()
    lines = [f"#DISABLED: {line}" if line.startswith("*/5") else line for line in good.splitlines()]
    table.write_text("\n".join(lines) + "\n")
    install_scrontab(project, "local")
    assert table.read_text() == good


def test_there_may_be_no_table_yet(project: Project, table: Path) -> None:
    entry = install_scrontab(project, "local")
    assert table.read_text() == entry


def test_a_refusal_changes_nothing(project: Project, table: Path) -> None:
    table.write_text(OTHERS)
    file = project.templates_dir / "scrontab"
    file.write_text(file.read_text() + "forbidden\n")
    with pytest.raises(ProjectError, match="refused the entry: bad entry"):
        install_scrontab(project, "local")
    assert table.read_text() == OTHERS


def test_half_an_entry_is_left_to_a_person(project: Project, table: Path) -> None:
    install_scrontab(project, "local")
    text = "".join(table.read_text().splitlines(keepends=True)[:-1]) + "0 3 * * * backup\n"
    table.write_text(text)
    with pytest.raises(ProjectError, match="put it right with `scrontab -e`"):
        install_scrontab(project, "local")
    assert table.read_text() == text


def test_without_scrontab_there_is_advice(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProjectError, match="use cron or a systemd timer"):
        install_scrontab(project, "local")


def test_a_path_with_spaces_and_signs_stands_in_it(tmp_path: Path, table: Path) -> None:
    root = tmp_path / 'my "first" project (1) 100%'
    init_project(root)
    lines = install_scrontab(load_project(root), "local").splitlines()
    (output,) = [line for line in lines if "--output" in line]
    log = str(root / ".headrace" / "monitor" / "monitor.log")
    assert output == '#SCRON --output="' + log.replace('"', '\\"').replace("%", "%%") + '"'
    (command,) = [line for line in lines if line.startswith("*/5")]
    words = shlex.split(command)
    assert words[words.index("--project") + 1] == str(root)
