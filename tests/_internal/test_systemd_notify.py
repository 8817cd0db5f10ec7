"""Messages to a service manager, over real sockets."""

from __future__ import annotations

import socket
import uuid
from pathlib import Path

import pytest

from headrace._internal.systemd_notify import notify_alive, notify_ready, notify_stopping


@pytest.mark.parametrize("abstract", [False, True])
def test_a_manager_hears_each_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    name = f"@headrace-{uuid.uuid4().hex}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name[1:]}" if abstract else name)
        manager.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        heard = []
        for notify in (notify_ready, notify_alive, notify_stopping):
            notify()
            heard.append(manager.recv(100))
    assert heard == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_manager_that_is_gone_or_was_never_there_hurts_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify_ready()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify_ready()
