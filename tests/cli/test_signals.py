"""Commands that take long end cleanly, in words, when somebody ends them by a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import wait_until
from tests.support.watch_project import Long, deploy_waiting_project, hears_all, run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("project")
    deploy_waiting_project(root)
    yield root
    run("facility", "down", "-C", str(root))


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGTERM, 0, "watch: ended by SIGTERM; "),
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
        hears_all()
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

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
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
