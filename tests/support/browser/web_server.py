"""`headrace web` of the installed program, for browsers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HEADRACE = str(Path(sys.executable).with_name("headrace"))


class WebServer:
    """`headrace web` as a process of its own, on the same port after each start."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process = self._begin()

    def url(self, address: str) -> str:
        """Return the URL of a page."""
        return f"{self.link.partition('/login')[0]}/{address}"

    def new_link(self) -> str:
        """Return another link to it, for somebody else."""
        done = subprocess.run(
            [HEADRACE, "web", "-C", str(self.root), "-F", "json"],
            capture_output=True,
            text=True,
            check=True,
        )
        return str(json.loads(done.stdout)["link"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        self.process = self._begin()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()

    def _begin(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [HEADRACE, "web", "-C", str(self.root), "-F", "json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, "the server ended"
            text += line
        self.link = str(json.loads(text)["link"])
        return process
