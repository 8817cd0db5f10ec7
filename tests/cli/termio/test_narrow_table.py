"""Tables of triggers and arrivals at a terminal of 80 columns, and in a pipe."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from headrace.cli.commands.trigger._fields import ARRIVAL_FIELDS
from headrace.cli.termio.narrow_table import fitted_lines, text_width
from headrace.cli.termio.tables import Field, table
from headrace.cli.termio.terminal import rendered
from tests.support.ids import an_id

REASON = "the collection hpc is not reachable: its endpoint has not answered for 20 minutes"


TRIGGER = """
title = "New run"
[watch]
collection = "here"
path = "/"
[start]
flow = "rest"
"""


class Tty(io.StringIO):
    """Stands for a terminal."""

    def isatty(self) -> bool:
        return True


def arrival(name: str, state: str, **values: Any) -> dict[str, Any]:
    none = dict.fromkeys(("run_id", "reason", "run_status", "run_cause", "afterwards_reason"), "")
    return none | {"trigger": "new_run", "name": name, "state": state, "attempts": 1} | values


def arrivals() -> list[str]:
    rows = [
        arrival(f"{'2026-11-28_a_long_name_of_a_directory/' * 2}run0283", "waiting", reason=REASON),
        arrival("run0284", "started", run_id=an_id("run"), run_status="SUCCEEDED"),
        arrival("日本語の名前のとても長いディレクトリ/run0285", "seen"),
    ]
    return rendered(table(rows, ARRIVAL_FIELDS, ""), colour=False).splitlines()


def test_arrivals_fit_into_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", Tty())
    lines = arrivals()
    assert max(map(text_width, lines)) <= 80
    text = "\n".join(lines)
    assert an_id("run") in text  # never cut: it is what other commands take
    first = next(line for line in lines if "waiting" in line)
    assert first.split()[1].startswith("2026")
    assert first.split()[1].endswith("0283")
    assert "…" in first
    # A reason goes on in the lines below, in its own column.
    start = first.index("the collection")
    reason = [line[start:] for line in lines[lines.index(first) : lines.index(first) + 3]]
    assert " ".join(reason) == REASON


def test_a_pipe_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    lines = arrivals()
    assert len(lines) == 4
    assert REASON in lines[1]
    assert "…" not in "".join(lines)


def test_tables_whose_columns_may_not_shrink_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stdout", Tty())
    assert "x" * 50 in table([{"a": "x" * 50}], [Field("a", key="a")], "")


@pytest.mark.parametrize("width", [1, 2, 3, 8, 9, 11])
@pytest.mark.parametrize(
    "text", ["/data/runs/run0283/x", "日本語の名前 のとても長い", "e\u0301" * 9]
)
def test_no_line_is_wider_than_its_column(text: str, width: int) -> None:
    [cut] = fitted_lines(text, width, "cut")
    assert text_width(cut) <= width
    wrapped = fitted_lines(text, width, "wrap")
    assert "".join(wrapped).replace(" ", "") == text.replace(" ", "")
    # A wide character needs two columns.
    assert max(map(text_width, wrapped)) <= max(width, 2)


def test_a_list_of_triggers_at_a_real_terminal(tmp_path: Path) -> None:
    folder = tmp_path.joinpath("a_long_name_of_a_project_directory", "and_one_more_below_it")
    folder.mkdir(parents=True)
    (tmp_path / "headrace.toml").write_text(
        f'[collections.here]\nroot = "{folder}"\n', encoding="utf-8"
    )
    (tmp_path / "triggers").mkdir()
    (tmp_path / "triggers" / "new_run.toml").write_text(TRIGGER)
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "headrace.cli", "trigger", "list", "-C", str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment["NO_COLOR"] = "1"
    shown = subprocess.run(
        command, stdin=side, stdout=side, stderr=subprocess.PIPE, env=environment, check=False
    )
    os.close(side)
    assert shown.returncode == 0, shown.stderr
    lines = os.read(main, 100_000).decode().splitlines()
    os.close(main)
    assert any("new_run" in line for line in lines)
    assert "…" in "".join(lines)
    assert max(map(text_width, lines)) <= 80
    piped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert str(folder) in piped
