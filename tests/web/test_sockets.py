"""The Unix socket of the pages: nothing else is removed for it, and nobody's is taken."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from headrace.web.errors import WebError
from headrace.web.server import listen, remove_socket


def test_a_file_that_is_no_socket_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("kept")
    with pytest.raises(WebError, match=r"notes\.txt: is no socket, and is kept; .* --uds"):
        listen(tmp_path / "address", 0, path)
    assert path.read_text() == "kept"


def test_a_socket_that_is_served_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    first, _ = listen(tmp_path / "local", 0, path)
    with first, pytest.raises(WebError, match="another server listens there"):
        listen(tmp_path / "globus", 0, path)
    assert path.is_socket()


def test_a_socket_that_was_left_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    listen(tmp_path / "address", 0, path)[0].close()
    second, listening = listen(tmp_path / "address", 0, path)
    with second, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    assert listening.socket == str(path)


def test_the_socket_of_another_server_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    found = path.parent.lstat()
    listener, _ = listen(tmp_path / "address", 0, path)
    with listener:
        remove_socket(path, found)
        assert path.is_socket()


def test_a_path_that_is_too_long_says_so(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120)
    with pytest.raises(WebError, match=r"cannot serve there: AF_UNIX path too long; .* --uds"):
        listen(tmp_path / "address", 0, path)
