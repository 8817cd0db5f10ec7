"""Cost of an idle endpoint and time of its first tasks, beside Parsl's own executor.

Starts in turns an `EndpointHost` with the template ``local`` and Parsl's own executor with
a local provider of the same block, as it comes, each in a process of its own. Measured of each: the
time from the start of that process's work to the end of the first task (cold; Parsl's has its
imports in it, as the host's has), the median of tasks one by one after it (warm), and after
``--settle`` seconds without a task processor time and memory (RSS and PSS, summed over all that
was started) for ``--seconds``. Parsl's executor keeps its workers; headrace's have ended by then.
The processor time of its client (the process that embeds it) counts as the host's does.

The idle cost of ``globus-compute-endpoint`` itself is not measured: it starts only after it has
registered with the web service and its message broker. Its engine is the one that is measured here
without headrace's settings.

    python benchmarks/endpoint.py [--rounds 3] [--settle 70] [--seconds 20]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

CODE = "st\nnothing:def nothing():\n    return None\n"
WARM = 20
OURS = "template local: 1 worker, encrypted, max_idletime 60"
PEER = "HighThroughputExecutor, LocalProvider, 1 worker, encrypted, poll_period 10 (default)"


def nothing() -> None:
    """Do what Parsl's tasks do."""


def measure_headrace(directory: Path, settle: float, seconds: float) -> dict[str, float]:
    """Measure an endpoint's host."""
    from headrace.compute import EndpointHost, EndpointSpec, TaskSpec

    ended = threading.Event()
    template = REPOSITORY / "endpoint_configs" / "local"
    spec = EndpointSpec("idle", str(uuid.uuid4()), template, {}, directory, REPOSITORY)
    host = EndpointHost(spec, lambda event: ended.set() if event.final else None)

    def run() -> None:
        ended.clear()
        host.submit(TaskSpec(str(uuid.uuid4()), CODE))
        if not ended.wait(120):
            raise SystemExit("the task did not end")

    try:
        begun = time.perf_counter()
        run()
        cold = time.perf_counter() - begun
        return {"cold": cold, **measure(run, settle, seconds, own=False)}
    finally:
        host.stop()


def measure_parsl(directory: Path, settle: float, seconds: float) -> dict[str, float]:
    """Measure Parsl's executor in this process."""
    begun = time.perf_counter()
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider

    provider = LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1)
    executor = HighThroughputExecutor(
        label="peer",
        address="127.0.0.1",
        max_workers_per_node=1,
        cores_per_worker=0.001,
        encrypted=True,
        provider=provider,
    )
    executor.run_dir = str(directory)
    provider.script_dir = str(directory / "submit_scripts")
    Path(provider.script_dir).mkdir(parents=True)
    executor.start()
    executor.scale_out_facade(1)
    try:
        executor.submit(nothing, {}).result(timeout=120)
        cold = time.perf_counter() - begun
        found = measure(lambda: executor.submit(nothing, {}).result(120), settle, seconds, own=True)
        return {"cold": cold, **found}
    finally:
        executor.scale_in_facade(1)
        executor.shutdown()


def measure(run: Any, settle: float, seconds: float, own: bool) -> dict[str, float]:
    """Measure warm tasks, and then what is started while nothing is to do."""
    warm = []
    for _ in range(WARM):
        begun = time.perf_counter()
        run()
        warm.append(time.perf_counter() - begun)
    time.sleep(settle)
    before, began = consumption(own), time.monotonic()
    time.sleep(seconds)
    after, lasted = consumption(own), time.monotonic() - began
    used = sum(after[pid][0] - before.get(pid, (0.0, 0.0, 0.0))[0] for pid in after)
    return {
        "warm": statistics.median(warm),
        "cpu": 100 * used / lasted,
        "rss": sum(one[1] for one in after.values()) / 1e6,
        "pss": sum(one[2] for one in after.values()) / 1e6,
        "processes": len(after),
    }


def consumption(own: bool) -> dict[int, tuple[float, float, float]]:
    """Return seconds of processor, RSS and PSS of every process of this benchmark's part."""
    import psutil

    found = {}
    mark = f"BENCHMARK_PART={os.environ['BENCHMARK_PART']}".encode()
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid():
                if not own:
                    continue
            elif mark not in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
                continue
            times, memory = process.cpu_times(), process.memory_full_info()
            found[process.pid] = (times.user + times.system, memory.rss, memory.pss)
        except (psutil.Error, OSError):
            continue
    return found


def run_part(name: str, settle: float, seconds: float) -> dict[str, float]:
    """Run one part in a process of its own."""
    own = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "BENCHMARK_PART": uuid.uuid4().hex,
        "PATH": f"{own}{os.pathsep}{os.environ['PATH']}",
    }
    command = [sys.executable, __file__, "--part", name]
    command += ["--settle", str(settle), "--seconds", str(seconds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Run both in turns and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--settle", type=float, default=70.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--part", choices=["headrace", "parsl"], help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.part:
        with tempfile.TemporaryDirectory() as directory:
            part = measure_headrace if wanted.part == "headrace" else measure_parsl
            print(json.dumps(part(Path(directory), wanted.settle, wanted.seconds)), flush=True)
        os._exit(0)
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    for _ in range(wanted.rounds):
        ours.append(run_part("headrace", wanted.settle, wanted.seconds))
        theirs.append(run_part("parsl", wanted.settle, wanted.seconds))
    rows = [
        {
            "id": f"endpoint_{key}",
            "what": what,
            "unit": unit,
            "ours": [round(scale * one[key], 3) for one in ours],
            "better": "less",
            "peers": [
                {
                    "name": "Parsl's executor",
                    "values": [round(scale * one[key], 3) for one in theirs],
                    "settings": PEER,
                }
            ],
            "settings": f"{OURS}; idle for {wanted.settle:g} s, then {wanted.seconds:g} s measured",
        }
        for key, what, unit, scale in (
            ("cpu", "an idle endpoint: processor", "% of a core", 1),
            ("rss", "an idle endpoint: memory, RSS of all its processes", "MB", 1),
            ("pss", "an idle endpoint: memory, PSS of all its processes", "MB", 1),
            ("cold", "first task at a cold endpoint", "s", 1),
            ("warm", "a task at a warm endpoint", "ms", 1000),
        )
    ]
    print(
        json.dumps(
            {
                "rows": rows,
                "headrace": ours,
                "parsl": theirs,
                "cores": os.cpu_count(),
                "load": round(os.getloadavg()[0], 1),
                "python": platform.python_version(),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
