"""How fast no-op tasks go through a pilot block, beside Parsl's own executor on the same cluster.

Starts a private Slurm of one virtual node (as the tests do), and sends the tasks through one block
with so many workers, in turns by an `EndpointHost` with the template `slurm` and by Parsl's
HighThroughputExecutor with the same provider, as it comes. Both get a first task before the clock
starts, so that the block is up. All processes share this machine's cores: with as many workers as
cores it is the sum of their processor time that is measured. Prints JSON: tasks per second of each,
in the order in which they ran, and the ratio of the medians.

    python benchmarks/pilot.py [--tasks 5000] [--workers 1] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from headrace.compute import EndpointHost, EndpointSpec, TaskEvent, TaskSpec  # noqa: E402
from tests.support.slurm_cluster import SlurmCluster, missing  # noqa: E402

CODE = "st\nnothing:def nothing():\n    return None\n"


def nothing() -> None:
    """Do what Parsl's tasks do."""


class Count:
    """Counts ended tasks; failures are kept."""

    def __init__(self) -> None:
        self.ended = 0
        self.failed: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, event: TaskEvent) -> None:
        """Take an event of the endpoint."""
        if event.final:
            with self._changed:
                self.ended += 1
                if event.kind == "failed":
                    self.failed.append(event.error)
                self._changed.notify_all()

    def wait_for(self, number: int) -> None:
        """Wait until so many tasks have ended."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.ended >= number, timeout=600):
                raise SystemExit(f"{self.ended} of {number} tasks ended")
        if self.failed:
            raise SystemExit(self.failed[0])


def task() -> TaskSpec:
    """Return a task that does nothing."""
    return TaskSpec(str(uuid.uuid4()), CODE)


def headrace_rate(tasks: int, workers: int, directory: Path) -> float:
    """Tasks per second through an endpoint's host."""
    template = REPOSITORY / "endpoint_configs" / "slurm"
    options = {
        "address": "127.0.0.1",
        "exclusive": False,
        "walltime": "00:10:00",
        "workers_per_node": workers,
    }
    spec = EndpointSpec(
        "pilot", str(uuid.uuid4()), template, options, directory / "headrace", REPOSITORY
    )
    count = Count()
    host = EndpointHost(spec, count)
    try:
        for _ in range(workers):
            host.submit(task())
        count.wait_for(workers)
        specs = [task() for _ in range(tasks)]
        begun = time.perf_counter()
        for one in specs:
            host.submit(one)
        count.wait_for(workers + tasks)
        return tasks / (time.perf_counter() - begun)
    finally:
        host.stop()


def parsl_rate(tasks: int, workers: int, directory: Path) -> float:
    """Tasks per second through Parsl's executor."""
    from parsl.executors import HighThroughputExecutor
    from parsl.launchers import SimpleLauncher
    from parsl.providers import SlurmProvider

    provider = SlurmProvider(
        partition="debug",
        launcher=SimpleLauncher(),
        exclusive=False,
        walltime="00:10:00",
        init_blocks=1,
        max_blocks=1,
        worker_init=f"export PATH={Path(sys.executable).parent}:$PATH",
    )
    executor = HighThroughputExecutor(
        label="peer",
        address="127.0.0.1",
        max_workers_per_node=workers,
        cores_per_worker=0.001,
        encrypted=True,
        provider=provider,
    )
    executor.run_dir = str(directory / "parsl")
    provider.script_dir = str(directory / "parsl" / "submit_scripts")
    Path(provider.script_dir).mkdir(parents=True)
    executor.start()
    executor.scale_out_facade(1)
    try:
        for future in [executor.submit(nothing, {}) for _ in range(workers)]:
            future.result(timeout=120)
        begun = time.perf_counter()
        futures = [executor.submit(nothing, {}) for _ in range(tasks)]
        for future in futures:
            future.result(timeout=600)
        return tasks / (time.perf_counter() - begun)
    finally:
        executor.scale_in_facade(1)
        executor.shutdown()


def row(rates: dict[str, list[float]], tasks: int, workers: int) -> dict[str, Any]:
    """Return the row of the README's table."""
    block = f"{workers} worker(s) in one block of a private Slurm, the block up before the clock"
    return {
        "id": "pilot_tasks",
        "what": f"{tasks:,} tasks that do nothing through one block",
        "unit": "/s",
        "better": "more",
        "ours": rates["headrace"],
        "settings": f"EndpointHost, template slurm, encrypted; {block}",
        "peers": [
            {
                "name": "Parsl's HighThroughputExecutor",
                "values": rates["parsl"],
                "settings": f"SlurmProvider, SimpleLauncher, encrypted; {block}",
            }
        ],
    }


def main() -> None:
    """Run both in turns and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    if absent := missing():
        raise SystemExit(f"no Slurm here: {', '.join(absent)}")
    own = str(Path(sys.executable).parent)
    os.environ["PATH"] = f"{own}{os.pathsep}{os.environ['PATH']}"
    rates: dict[str, list[float]] = {"headrace": [], "parsl": []}
    with SlurmCluster(nodes=1) as cluster:
        os.environ.update(cluster.env)
        for _ in range(wanted.rounds):
            for name, rate in (("headrace", headrace_rate), ("parsl", parsl_rate)):
                with tempfile.TemporaryDirectory() as directory:
                    found = rate(wanted.tasks, wanted.workers, Path(directory))
                rates[name].append(round(found, 1))
                cluster.wait_for_empty_queue()
    middle: dict[str, Any] = {name: statistics.median(v) for name, v in rates.items()}
    print(
        json.dumps(
            {
                "tasks": wanted.tasks,
                "workers": wanted.workers,
                "tasks_per_s": rates,
                "headrace_over_parsl": round(middle["headrace"] / middle["parsl"], 3),
                "rows": [row(rates, wanted.tasks, wanted.workers)],
                "python": platform.python_version(),
            }
        )
    )


if __name__ == "__main__":
    main()
