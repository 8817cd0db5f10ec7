"""What watching a directory with very many files costs; run in a process of its own.

python -m trigger_peers.entries FILES "run"|"skip"|"known" DIRECTORY
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from headrace.triggers import Ledger, Trigger, Watcher, Watching
from headrace.triggers.change_notifier import DirectoryScanner
from headrace.triggers.watched_directory import WatchedDirectory

from .watching import Starts

ROUNDS = 5


def make_files(folder: Path, files: int) -> None:
    """Make empty files."""
    folder.mkdir(exist_ok=True)
    for number in range(files):
        (folder / f"file_{number:07}.dat").touch()


def measure_entries(files: int, existing: str, place: Path) -> dict[str, float]:
    """Watch a directory in which files lie, and return seconds, processor seconds and MB.

    Args:
        files: number of files in it; each is an arrival.
        existing: what becomes of them: "run" or "skip".
        place: an empty directory on this machine.
    """
    incoming = place / "incoming"
    make_files(incoming, files)
    trigger = Trigger(
        *("many", place / "many.toml", "Many", "disk", place, "/incoming/", "file", "none"),
        settle=0.5,
        interval=1.0,
        existing="run" if existing == "run" else "skip",
    )
    found: dict[str, float] = {}
    starts, stop, watching = Starts(), threading.Event(), threading.Event()
    began = time.monotonic()
    with Ledger(place / "ledger.db") as ledger:

        def receive(event: object) -> None:
            if isinstance(event, Watching):
                watching.set()

        thread = threading.Thread(
            target=Watcher([trigger], ledger, starts, receive).run, args=[stop]
        )
        thread.start()
        if existing == "run":
            starts.wait_for_any()
            found["first_run_s"] = min(starts.at.values()) - began
        else:
            watching.wait()
            found["first_watch_s"] = time.monotonic() - began
            (incoming / "new.dat").touch()
            starts.wait_for({"new.dat"})
        if existing == "skip":
            found |= _measure_rounds(incoming, starts)
        found["MB"] = psutil.Process().memory_info().rss / 1e6
        stop.set()
        thread.join()
    with WatchedDirectory(trigger) as directory:
        at = time.monotonic()
        DirectoryScanner().scan(directory, at)
        found["scan_s"] = time.monotonic() - at
    return {name: round(value, 3) for name, value in found.items()}


def _measure_rounds(incoming: Path, starts: Starts) -> dict[str, float]:
    """Return the processor seconds of rounds in which nothing, and in which one file, has come."""
    pause = threading.Event()
    pause.wait(4.0)  # until the time of change is trusted
    used = time.process_time()
    pause.wait(ROUNDS)
    idle = (time.process_time() - used) / ROUNDS
    used = time.process_time()
    for number in range(ROUNDS):
        (incoming / f"new_{number}").touch()
        pause.wait(1.0)
    starts.wait_for({f"new_{number}" for number in range(ROUNDS)})
    return {"idle_round_s": idle, "round_s": (time.process_time() - used) / ROUNDS}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[3]) as made:
        print(json.dumps(measure_entries(int(sys.argv[1]), sys.argv[2], Path(made))))
