"""Processes that need the same compiled code at once: one compiles, the others wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headrace.datarun.fit import compiled, traces
from headrace.datarun.fit.compile_once import compile_once, is_compiled
from tests.support.waiting import wait_until

_PROCESS = """
import sys, time
from pathlib import Path
import pytest

from headrace.datarun.fit import compiled, traces
from headrace.datarun.fit.compile_once import compile_once, is_compiled

cache = Path(sys.argv[1])
cached = cache / "cached"

def work():
    if cached.exists():
        return
    with open(cache / "compilations", "a") as stream:
        stream.write("one\\n")
    time.sleep(0.5)
    cached.touch()

compile_once(work, cache, "1")
assert cached.exists()
"""


def test_of_processes_that_start_together_one_compiles(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROCESS, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(timeout=120) for process in processes] == [0] * 4
    assert (tmp_path / "compilations").read_text() == "one\n"


def test_another_version_is_compiled_anew(tmp_path: Path) -> None:
    calls: list[str] = []
    assert compile_once(lambda: calls.append("a"), tmp_path, "1")
    assert not compile_once(lambda: calls.append("b"), tmp_path, "1")
    assert compile_once(lambda: calls.append("c"), tmp_path, "2")
    assert calls == ["a", "b", "c"]
    assert is_compiled(tmp_path, "2")
    assert not is_compiled(tmp_path, "3")


def test_a_process_that_holds_the_lock_for_ever_is_not_waited_for(tmp_path: Path) -> None:
    release, holding = threading.Event(), threading.Event()

    def hold() -> None:
        holding.set()
        release.wait(120)

    thread = threading.Thread(target=compile_once, args=(hold, tmp_path, "1"))
    thread.start()
    try:
        wait_until(holding.is_set, "the lock")
        assert compile_once(lambda: None, tmp_path, "1", longest_wait=0.2)
    finally:
        release.set()
        thread.join(120)


def test_a_cache_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    calls: list[str] = []
    assert compile_once(lambda: calls.append("a"), tmp_path / "missing", "1")
    assert calls == ["a"]


def test_fits_that_are_compiled_are_left_to_each_rank_to_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    traces.compile_fits()
    calls: list[str] = []
    monkeypatch.setattr(traces, "fit_traces", lambda *args, **options: calls.append("fit"))
    traces.compile_fits()
    assert calls == []


def test_a_source_that_was_written_again_is_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source.py"
    source.touch()
    monkeypatch.setattr(compiled, "kernel_sources", lambda: (source,))
    before = compiled.cache_version()
    os.utime(source, ns=(1, 1))  # the same text: Numba compiles it again
    assert compiled.cache_version() != before
