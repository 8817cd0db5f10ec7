"""The connections of the threads that read the store."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from headrace.facility.store.database import Store


def open_files(below: Path) -> int:
    links = [Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    return sum(os.path.realpath(link).startswith(str(below)) for link in links)


def read(store: Store) -> None:
    store.reader().execute("SELECT count(*) FROM runs").fetchone()


@pytest.mark.skipif(sys.platform != "linux", reason="open files are listed in /proc")
def test_the_files_of_a_thread_that_has_ended_are_closed(tmp_path: Path) -> None:
    store = Store(tmp_path / "facility.db")
    read(store)
    counts = []
    for _ in range(30):
        thread = threading.Thread(target=read, args=(store,))
        thread.start()
        thread.join()
        counts.append(open_files(tmp_path))
    # At the beginning there is one more to come: whose thread has ended goes with the next one.
    assert max(counts) == counts[1]
    read(store)
    store.close()
    assert open_files(tmp_path) == 0
