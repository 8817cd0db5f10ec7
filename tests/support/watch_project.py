"""A project whose only flow waits, with directories that are watched, and commands that go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_until

HEADRACE = str(Path(sys.executable).with_name("headrace"))
WAIT = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": True}}}
TRIGGER = """
title = "%s"
[watch]
collection = "workstation"
path = "/%s/"
what = "file"
settle = 0.1
interval = 0.5
[start]
flow = "rest"
[start.input]
name = "{name}"
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HEADRACE, *arguments], capture_output=True, text=True, check=False)


def deploy_waiting_project(root: Path, *folders: str, definition: Any = WAIT) -> None:
    """Make a project with a trigger of each folder's name, or ``in`` on ``incoming``; deploy it."""
    (root / "headrace.toml").write_text('[collections.workstation]\nroot = "data"\n')
    (root / "flows/rest").mkdir(parents=True)
    (root / "flows/rest/definition.json").write_text(json.dumps(definition))
    (root / "triggers").mkdir()
    for name in folders or ("in",):
        write_trigger(root, name, "incoming" if name == "in" else name)
    deployed = run("deploy", "-C", str(root))
    assert deployed.returncode == 0, deployed.stderr


def write_trigger(root: Path, name: str, folder: str) -> Path:
    """Write a trigger on a folder, which is made."""
    (root / "data" / folder).mkdir(parents=True, exist_ok=True)
    file = root / "triggers" / f"{name}.toml"
    file.write_text(TRIGGER % (name, folder))
    return file


class Long:
    """A command that goes on until it is ended.

    Args:
        root: the project.
        log: file of what it writes.
        arguments: of ``headrace``.
        options: of ``Popen``.
    """

    def __init__(self, root: Path, log: Path, *arguments: str, **options: Any) -> None:
        self.log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [HEADRACE, *arguments, "-C", str(root)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                **{"preexec_fn": hears_all, **options},
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


def hears_all() -> None:
    # Whoever started the tests in the background has them ignore interrupts.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
