"""A small project, a small service, and an outbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.outboxes import Bench
from tests.support.small_project import project, root, service, services

__all__ = ["bench", "project", "root", "service", "services"]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    found = Bench(tmp_path / "state" / "notifications.db")
    found.install(monkeypatch)
    yield found
    for channel in found.channels.values():
        if channel.hanging is not None:
            channel.hanging.set()
    found.close()
