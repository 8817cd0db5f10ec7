"""What reaches a terminal or a pipe: no escapes of data's, no traceback, quiet ends."""

from __future__ import annotations

import ast
import fcntl
import io
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import headrace.cli
import headrace.facility
from headrace.cli.termio import terminal
from headrace.cli.termio.progress import Lines, Live
from headrace.runs import RunView, StateView
from headrace.runs.poller import parse_time
from tests.support.command_line import Run
from tests.support.flows_service import Service

# Clears the screen, sets the window's title, colours what follows, turns the text around.
EVIL = "a\x1b[2J\x1b]0;mine\x07\x9b31m\u202eb\r\nSUCCEEDED: c[red]d\x00"
STEERING = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x202E)} - {"\n"}


class Tty(io.StringIO):
    """Stands for a terminal."""

    def isatty(self) -> bool:
        return True


def without_own(text: str) -> str:
    """Takes out the colours that headrace itself writes."""
    for code in ("0", "1", "2", "31", "32", "33", "36"):
        text = text.replace(f"\x1b[{code}m", "")
    return text


def test_own_styles_are_shown_and_those_of_data_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    tty = Tty()
    monkeypatch.setattr(sys, "stdout", tty)
    terminal.write(terminal.style("FAILED", fg="red") + f" {EVIL}")
    shown = tty.getvalue()
    assert shown.startswith("\x1b[31mFAILED\x1b[0m a\\x1b[2J\\x1b]0;mine\\x07\\x9b31m\\u202eb")
    assert not STEERING & set(without_own(shown))


def test_a_pipe_gets_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", pipe)
    terminal.write(terminal.style(EVIL, bold=True))
    assert not STEERING & set(pipe.getvalue())


def evil_view(status: str) -> RunView:
    start = parse_time("2026-01-01T00:00:00+00:00")
    assert start is not None
    details = {"details": {"state_name": EVIL, "exception": EVIL, "cause": EVIL}}
    run = {"run_id": "7", "label": EVIL, "status": status, "details": details}
    states = (StateView(EVIL, "Pass", start, start), StateView(EVIL, "Action", start))
    return RunView(run, states)


@pytest.mark.parametrize("status", ["ACTIVE", "FAILED"])
def test_progress_on_a_terminal_shows_data_harmless_and_as_they_are(status: str) -> None:
    tty = Tty()
    console = Console(file=tty, force_terminal=True, width=400, color_system=None)
    with Live(console) as board:
        board.show([evil_view(status)])
        board.say(EVIL)
    shown = tty.getvalue()
    assert "[red]d" in shown
    assert "\x1b]0;" not in shown
    assert "\x1b[2J" not in shown
    assert not {"\x07", "\x9b", "\u202e", "\x00"} & set(shown)


def test_progress_in_lines_keeps_one_line_for_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().show([evil_view("FAILED")])
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert not STEERING & set(shown)


COMMANDS = [
    "run list",
    "run show last",
    "run log last",
    "run list -F unix",
    "run log last -F unix",
    "run show last --jmespath label -F unix",
    "run delete last",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_lets_data_steer(run: Run, deployed: Service, command: str) -> None:
    run("start", "say", "-s", "word=x", "-l", "label")
    [run_id] = deployed.runs
    deployed.log(run_id, "FlowStarted", input={EVIL: EVIL})
    deployed.log(run_id, "PassStarted", state_name=EVIL, state_type="Pass", input={})
    deployed.runs[run_id].update(label=EVIL, tags=[EVIL], flow_title=EVIL, status="FAILED")
    deployed.runs[run_id]["details"] = {"code": EVIL, "description": EVIL}
    result = run(*command.split())
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert not (STEERING - {"\t"}) & set(result.stdout + result.stderr)
    if "unix" in command:
        assert "\n\n" not in result.stdout


def test_json_escapes_what_steers_and_says_it_whole(run: Run, deployed: Service) -> None:
    run("start", "say", "-s", "word=x")
    [run_id] = deployed.runs
    deployed.runs[run_id]["label"] = EVIL
    told = run("run", "show", "last", "-F", "json").stdout
    assert not STEERING & set(told)
    assert json.loads(told)["label"] == EVIL


def test_nothing_of_the_command_line_writes_past_the_door() -> None:
    """Only `termio` writes; `click.echo` and `print` know nothing of escapes."""
    package = Path(headrace.cli.__file__).parent
    faults = []
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            wrong = called in {"print", "sys.stdout.write", "sys.stderr.write"} or called in {
                f"click.{name}" for name in ("echo", "secho", "style", "prompt", "confirm")
            }
            if wrong:
                faults.append(f"{path.name}:{node.lineno}: {called}")
    assert faults == []


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "headrace.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "latin-1:strict"},
    ],
)
def test_every_encoding_can_say_every_text(tmp_path: Path, environment: dict[str, str]) -> None:
    flow = tmp_path / "flows" / "measure"
    flow.mkdir(parents=True)
    (tmp_path / "headrace.toml").write_text("")
    (flow / "definition.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass"}}}')
    (flow / "flow.toml").write_text('title = "µ-Messung 測定"\n', encoding="utf-8")
    for form in ("text", "json", "unix"):
        done = program("flow", "list", "-C", str(tmp_path), "-F", form, **environment)
        assert done.returncode == 0, done.stderr
        assert done.stderr == b""
    done = program("flow", "check", "µ測", "-C", str(tmp_path), **environment)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("tail", ["| true", "2>&1 | true", ">&-", "2>&-", ">&- 2>&-"])
def test_who_reads_no_more_hears_no_complaint(tail: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m headrace.cli --help {tail}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "Traceback" not in done.stdout


def test_a_full_disk_under_the_output_is_told_in_one_line() -> None:
    command = f"{sys.executable} -m headrace.cli config schema > /dev/full"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device\n"


def test_an_unforeseen_error_is_one_line_and_a_private_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(root: Path) -> Any:
        secret = "not to be written"  # noqa: F841
        raise ZeroDivisionError(f"a\nfault {EVIL}")

    state = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setattr(headrace.facility, "facility_status", fail)
    for _ in range(25):
        result = run("facility", "status")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "ZeroDivisionError: a fault" in result.stderr
    assert not STEERING & set(result.stderr)
    reports = sorted((state / "headrace" / "errors").iterdir())
    assert len(reports) == 20
    assert str(reports[-1]) in result.stderr
    assert reports[-1].stat().st_mode & 0o777 == 0o600
    text = reports[-1].read_text()
    assert "in fail" in text
    assert "not to be written" not in text.replace('secret = "not to be written"', "")


def test_an_unforeseen_error_is_told_where_no_report_can_be_written(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(root: Path) -> Any:
        raise ZeroDivisionError("a fault")

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    monkeypatch.setattr(headrace.facility, "facility_status", fail)
    assert "HEADRACE_DEBUG=1" in run("facility", "status").stderr


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Whoever started the tests in the background has them ignore it, and what they start too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_at_a_terminal_has_no_traceback(tmp_path: Path) -> None:
    """Ctrl-C at a question, at a real terminal."""
    (tmp_path / "headrace.toml").write_text("")
    main, side = pty.openpty()
    code = "import headrace.cli.termio.prompts as p, headrace.cli.termio.errors as e\n"
    code += "raise SystemExit(e.exit_code_of(lambda: p.confirm('Delete it?')))"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(side)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(main, 1000)
    os.write(main, b"\x03")
    assert process.wait(timeout=120) == 130
    os.close(main)
    assert b"Traceback" not in shown


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("", 2)])
def test_what_cannot_be_taken_back_is_asked(
    run: Run, deployed: Service, answer: str, code: int
) -> None:
    run("start", "say", "-s", "word=x")
    [run_id] = deployed.runs
    deployed.runs[run_id]["status"] = "ENDED"
    result = run("run", "delete", run_id, stdin=answer)
    assert result.exit_code == code
    assert (run_id in deployed.runs) == (code != 0)
    assert "Delete the run" in result.stderr
