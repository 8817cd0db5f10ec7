"""From a marker to a run that a facility has started, through the watch's own client."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headrace.project import load_project
from headrace.project.targets import connect
from headrace.triggers import Arrival, Ledger, Trigger, Watcher, load_trigger
from headrace.triggers.project_run_client import ProjectRunClient

from .rows import quantile, row
from .watching import OURS, Starts, watching_with_watchdog

DEFINITION = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
TRIGGER = """\
[watch]
collection = "disk"
path = "/incoming/"
marker = "DONE"
existing = "run"

[start]
flow = "note"
label = "note of {name}"

[start.input]
path = "{path}"
"""


@contextmanager
def project_with_facility(root: Path) -> Iterator[Path]:
    """Make a project whose flow is deployed to a facility of its own; yield its directory."""
    flow = root / "flows" / "note"
    flow.mkdir(parents=True)
    (root / "data" / "incoming").mkdir(parents=True)
    (root / "triggers").mkdir()
    (root / "headrace.toml").write_text('[collections.disk]\nroot = "data"\n')
    (flow / "definition.json").write_text(json.dumps(DEFINITION))
    (flow / "input_schema.json").write_text(json.dumps(SCHEMA))
    (flow / "flow.toml").write_text('title = "Note"\n')
    (root / "triggers" / "notes.toml").write_text(TRIGGER)
    program = str(Path(sys.executable).with_name("headrace"))
    subprocess.run([program, "deploy"], cwd=root, check=True, stdout=subprocess.DEVNULL)
    try:
        yield root
    finally:
        subprocess.run([program, "facility", "down"], cwd=root, check=True, capture_output=True)


@contextmanager
def watching_for_a_facility(root: Path) -> Iterator[Starts]:
    """Watch with the project's trigger and run client; the moments are those of the answers."""
    project = load_project(root)
    trigger = load_trigger(root / "triggers" / "notes.toml", {"disk": root / "data"})
    starts, stop = Starts(), threading.Event()

    class NotingClient(ProjectRunClient):
        """Notes when a facility has answered, which it does once the run is stored."""

        def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
            run_id = super().start(trigger, arrival, tag)
            starts.note(arrival.name)
            return run_id

    client = NotingClient(project, "local", lambda: connect(project, "local"))
    with Ledger(root / ".headrace" / "benchmark.db") as ledger:
        watcher = Watcher([trigger], ledger, client, lambda event: None)
        thread = threading.Thread(target=watcher.run, args=(stop,))
        thread.start()
        try:
            yield starts
        finally:
            stop.set()
            thread.join()


def measure_starts(system: str, arrivals: int, seed: int, directory: str | None) -> list[float]:
    """Return in ms what passes from a marker to the start of its run, at random moments.

    Args:
        system: "headrace", to the facility's answer, or "watchdog", to a handler that does nothing.
        arrivals: number of markers.
        seed: of the moments.
        directory: where the project lies; default the temporary directory.
    """
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=directory) as place:
        if system == "watchdog":
            incoming = Path(place) / "incoming"
            incoming.mkdir()
            with watching_with_watchdog("watchdog inotify", incoming, "DONE") as starts:
                return _mark_all(incoming, arrivals, chance, starts.wait_for, starts.at)
        project = Path(place) / "project"
        incoming = project / "data" / "incoming"
        with project_with_facility(project), watching_for_a_facility(project) as starts:
            return _mark_all(incoming, arrivals, chance, starts.wait_for, starts.at)


def _mark_all(
    incoming: Path,
    arrivals: int,
    chance: random.Random,
    wait_for: Callable[[set[str]], None],
    started_at: dict[str, float],
) -> list[float]:
    pause, made = threading.Event(), {}
    # The first start connects.
    for number in range(-1, arrivals):
        event = incoming / f"event_{number}"
        event.mkdir()
        (event / "data").write_bytes(bytes(1000))
        pause.wait(chance.uniform(0.02, 0.1))
        made[event.name] = time.monotonic()
        (event / "DONE").touch()
        if number < 0:
            wait_for({event.name})
    wait_for(set(made))
    del made["event_-1"]
    return [1e3 * (started_at[name] - at) for name, at in made.items()]


def service_rows(rounds: int, arrivals: int, directory: str | None) -> list[dict[str, Any]]:
    """Measure starts at a facility, in turn with watchdog's way to an empty handler."""
    late: dict[str, list[list[float]]] = {OURS: [], "watchdog InotifyObserver": []}
    for seed in range(rounds):
        for name, values in late.items():
            system = "headrace" if name == OURS else "watchdog"
            values.append(measure_starts(system, arrivals, seed, directory))
    what = "marker to a run that a facility has started"
    settings = f"of {arrivals} markers a round at random moments, through the watch's own client"
    return [
        row(
            f"service{key}",
            f"{what}{title}",
            "ms",
            {name: [quantile(each, share) for each in values] for name, values in late.items()},
            f"{says} {settings}",
        )
        for key, title, share, says in (
            ("", "", 0.5, "median"),
            ("_p99", ": 99th percentile", 0.99, "99th percentile"),
        )
    ]
