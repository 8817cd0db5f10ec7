"""Commands that take long end cleanly, in words, when somebody ends them by a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.waiting import wait_until

HEADRACE = str(Path(sys.executable).with_name("headrace"))
WAIT = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": True}}}
TRIGGER = """
title = "in"
[watch]
collection = "workstation"
path = "/incoming/"
what = "file"
settle = 0.1
[start]
flow = "rest"
[start.input]
name = "{name}"
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HEADRACE, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose only flow waits, deployed, with a directory that is watched."""
    root = tmp_path_factory.mktemp("project")
    (root / "headrace.toml").write_text('[collections.workstation]\nroot = "data"\n')
    (root / "data/incoming").mkdir(parents=True)
    (root / "flows/rest").mkdir(parents=True)
    (root / "flows/rest/definition.json").write_text(json.dumps(WAIT))
    (root / "triggers").mkdir()
    (root / "triggers/in.toml").write_text(TRIGGER)
    deployed = run("deploy", "-C", str(root))
    assert deployed.returncode == 0, deployed.stderr
    yield root
    run("facility", "down", "-C", str(root))


class Long:
    """A command that goes on until it is ended."""

    def __init__(self, root: Path, log: Path, *arguments: str, **options: Any) -> None:
        self.log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [HEADRACE, *arguments, "-C", str(root)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                **{"preexec_fn": _hears_all, **options},
            )

    def says(self, words: str) -> None:
        wait_until(lambda: words in self.text or self.process.poll() is not None, words, 120)
        assert words in self.text, self.text

    @property
    def text(self) -> str:
        return self.log.read_text()

    def ended_by(self, number: int) -> int:
        os.kill(self.process.pid, number)
        return self.process.wait(timeout=120)


def _hears_all() -> None:
    # Whoever started the tests in the background has them ignore interrupts.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGTERM, 0, "watch: ended by SIGTERM; "),
        (signal.SIGHUP, 0, "watch: ended by SIGHUP; "),
        (signal.SIGINT, 130, "interrupted"),
    ],
)
def test_a_watch_ends_in_words(
    root: Path, tmp_path: Path, number: int, code: int, words: str
) -> None:
    watch = Long(root, tmp_path / "log", "watch", "--existing", "skip")
    watch.says("in: watching")
    (root / "data/incoming" / f"arrival {number}").write_text("data")
    watch.says("complete, run ")
    assert watch.ended_by(number) == code, watch.text
    assert words in watch.text
    assert "Traceback" not in watch.text
    again = Long(root, tmp_path / "again", "watch")
    again.says("in: watching")
    # By then it has looked at all that was there before.
    (root / "data/incoming" / f"later {number}").write_text("data")
    again.says(f"later {number}: complete, run ")
    assert again.ended_by(signal.SIGTERM) == 0
    assert f"arrival {number}: complete" not in again.text, "it has its run"


def test_a_watch_that_was_to_end_by_itself_has_not_done_its_work(
    root: Path, tmp_path: Path
) -> None:
    (root / "data/incoming/last").write_text("data")
    watch = Long(root, tmp_path / "log", "watch", "--once", "--existing", "run")
    watch.says("last: complete, run ")
    assert watch.ended_by(signal.SIGTERM) == 143, watch.text
    assert watch.text.endswith("ended by SIGTERM\n")


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGTERM, 143, "ended by SIGTERM"),
        (signal.SIGHUP, 129, "ended by SIGHUP"),
        (signal.SIGINT, 130, "interrupted"),
    ],
)
def test_who_waits_for_a_run_leaves_it_as_it_is(
    root: Path, tmp_path: Path, number: int, code: int, word: str
) -> None:
    started = run("start", "rest", "-F", "json", "-C", str(root))
    run_id = json.loads(started.stdout)["run_id"]
    waiting = Long(root, tmp_path / "log", "run", "wait", run_id)
    process = psutil.Process(waiting.process.pid)
    wait_until(lambda: process.net_connections("tcp"), "the first question", 120)
    assert waiting.ended_by(number) == code, waiting.text
    assert waiting.text.endswith(f"{word}\n")
    shown = run("run", "show", run_id, "-F", "json", "-C", str(root))
    assert json.loads(shown.stdout)["status"] == "ACTIVE"


def test_a_monitor_ends_in_words(root: Path, tmp_path: Path) -> None:
    monitor = Long(root, tmp_path / "log", "endpoint", "monitor", "--interval", "3000")
    monitor.says("No endpoint was created on this machine.")
    assert monitor.ended_by(signal.SIGTERM) == 0, monitor.text
    assert "monitor: ended by SIGTERM; nobody watches over the endpoints now" in monitor.text


def test_a_signal_that_is_ignored_stays_so(root: Path, tmp_path: Path) -> None:
    def under_nohup() -> None:
        _hears_all()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    watch = Long(root, tmp_path / "log", "watch", "--existing", "skip", preexec_fn=under_nohup)
    watch.says("in: watching")
    os.kill(watch.process.pid, signal.SIGHUP)
    (root / "data/incoming/under nohup").write_text("data")
    watch.says("under nohup: complete")
    assert watch.ended_by(signal.SIGTERM) == 0


IMPORTING = """
import os, signal, sys, time
from headrace.cli.termio.signals import Stopped, end_on_signals

end_on_signals()
try:
    import interrupted
    time.sleep(600)
except Stopped as stopped:
    print(signal.Signals(stopped.number).name, "interrupted" in sys.modules)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_during_an_import_ends_the_command_after_it(tmp_path: Path, name: str) -> None:
    """An import that is broken off may keep its lock, for which other threads wait for ever."""
    module = f"import os, signal, time\nos.kill(os.getpid(), signal.{name})\ntime.sleep(0.2)\n"
    (tmp_path / "interrupted.py").write_text(module)
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{name} True\n", done.stderr
