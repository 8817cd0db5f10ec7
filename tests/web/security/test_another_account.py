"""Another account on the machine: it reads no file, opens no socket, and gets the login page."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.watch_project import Long
from tests.support.web_process import WebBrowser, link_in

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account"),
]

NOBODY = 65534


@pytest.fixture
def root() -> Iterator[Path]:
    """A project that all may enter."""
    root = Path(tempfile.mkdtemp(prefix="headrace-shared-"))
    root.chmod(0o755)
    (root / "headrace.toml").write_text("")
    yield root
    shutil.rmtree(root)


def as_nobody(act: Callable[[], Any]) -> Any:
    """Returns what a function does in a process of another account."""
    # Python's own files may be closed to the other account: what is imported late is imported now.
    "127.0.0.1".encode("idna")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writing, json.dumps(act()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return json.loads(text)


def readable(root: Path) -> list[str]:
    """Returns the files of the pages that can be read or written."""
    found = []
    for name in ("web.db", "web.db-wal", "web.db-shm", "web.local.json", "web.local.lock"):
        for mode in ("rb", "ab"):
            try:
                with (root / ".headrace" / name).open(mode):
                    found.append(name)
            except OSError:
                continue
    return found


def test_another_account_gets_nothing(root: Path, tmp_path: Path) -> None:
    web = Long(root, tmp_path / "log", "web")
    web.says("/login#")
    url = link_in(web.text).partition("/login")[0]
    assert "web.db" in readable(root)
    assert as_nobody(lambda: readable(root)) == []

    def ask() -> list[Any]:
        answers = []
        for path in ("/", "/record", "/record?part=sessions", "/events?topics=runs", "/files/a/b"):
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
            connection.request("GET", path)
            answer = connection.getresponse()
            answers.append([answer.status, answer.read().decode()])
        return answers

    for status, text in as_nobody(ask):
        assert status == 401
        assert "Log in to" in text or not text
        assert "Record" not in text
    assert WebBrowser(url).log_in(link_in(web.text)).status == 303
    assert web.ended_by(signal.SIGTERM) == 0


def test_another_account_cannot_open_the_socket(root: Path, tmp_path: Path) -> None:
    path = root / "pages.sock"
    web = Long(root, tmp_path / "log", "web", "--uds", str(path))
    web.says("/login#")

    def connect() -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            try:
                client.connect(str(path))
            except OSError as error:
                return type(error).__name__
            return "connected"

    assert connect() == "connected"
    assert as_nobody(connect) == "PermissionError"
    assert web.ended_by(signal.SIGTERM) == 0
