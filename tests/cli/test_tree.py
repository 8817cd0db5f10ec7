from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from headrace.cli import headrace
from tests.support.repository import REPOSITORY


def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from walk(inner, (*path, name))


COMMANDS = dict(walk(headrace, ("headrace",)))
LEAVES = {path: found for path, found in COMMANDS.items() if not isinstance(found, click.Group)}


def test_the_tree_is_whole() -> None:
    wanted = """init deploy start watch login logout whoami completion
        run.list run.show run.log run.cancel run.resume flow.list flow.check
        facility.up facility.down facility.status facility.env function.list trigger.list"""
    there = {path.removeprefix("headrace ").replace(" ", ".") for path in LEAVES}
    assert set(wanted.split()) <= there


@pytest.fixture(scope="session")
def help_pages() -> dict[int, dict[str, str]]:
    """The help page of every command as terminals of some widths get it."""
    code = (
        "import contextlib, io, json, sys\n"
        "from headrace.cli import headrace\n"
        "pages = {}\n"
        "for path in json.load(sys.stdin):\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as page:\n"
        "        try: headrace.main([*path.split()[1:], '--help'], prog_name='headrace')\n"
        "        except SystemExit as ended: assert ended.code == 0\n"
        "    pages[path] = page.getvalue()\n"
        "json.dump(pages, sys.stdout)\n"
    )
    return {
        width: json.loads(
            subprocess.run(
                [sys.executable, "-c", code],
                input=json.dumps(list(COMMANDS)),
                env={**os.environ, "COLUMNS": str(width)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for width in (80, 60)
    }


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("path", COMMANDS)
def test_every_help_page_is_whole_and_no_wider_than_the_terminal(
    path: str, width: int, help_pages: dict[int, dict[str, str]]
) -> None:
    page = help_pages[width][path]
    assert page.startswith("Usage: headrace")
    assert page.isascii()
    lines = page.splitlines()
    assert [line for line in lines if len(line) > width] == []
    below_usage = lines[lines.index("") :]  # there, words that may repeat end so
    assert [line for line in below_usage if line.rstrip().endswith("...")] == []
    if isinstance(COMMANDS[path], click.Group):
        words = " ".join(page.split())
        for inner in (found for name, found in COMMANDS.items() if name.rpartition(" ")[0] == path):
            assert inner.help
            assert " ".join(inner.help.split(".")[0].split()) in words


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_has_help(path: str) -> None:
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{path} {parameter.opts}"


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_can_answer_in_json(path: str) -> None:
    options = {name for parameter in LEAVES[path].params for name in parameter.opts}
    assert {"--format", "--jmespath"} <= options


def test_help_imports_nothing_heavy(repository: Path) -> None:
    code = (
        "import sys; sys.argv = ['headrace', '--help']\n"
        "import headrace.cli\n"
        "try: headrace.cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'globus_sdk', 'globus_compute_sdk', 'numpy', 'obspy', 'parsl', 'requests',\n"
        "         'rich', 'jsonschema', 'jmespath', 'psutil', 'starlette', 'watchdog',\n"
        "         'importlib.metadata', 'email', 'json', 'logging', 'sqlite3', 'secrets'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    path = os.pathsep.join([str(repository / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.stderr.strip() == "[]"
    assert "Commands:" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell: str) -> None:
    result = CliRunner().invoke(headrace, ["completion", shell])
    assert result.exit_code == 0
    assert "_HEADRACE_COMPLETE" in result.output


PAGE = REPOSITORY / "docs" / "cli.md"


def test_the_page_has_every_command_and_no_other() -> None:
    rows = re.findall(r"^\| `headrace ([^`]*)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named: set[str] = set()
    for row in rows:
        words = [word.split("|") for word in row.replace("\\|", "|").split()]
        group = COMMANDS.get(f"headrace {words[0][0]}")
        depth = 2 if isinstance(group, click.Group) else 1
        named |= {" ".join(("headrace", *path)) for path in itertools.product(*words[:depth])}
    assert named == set(LEAVES)
