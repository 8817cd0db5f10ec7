"""Bare Parsl: the command of each member in an app of the HighThroughputExecutor. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import wait
from pathlib import Path

import parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider


@parsl.python_app
def run(number: int) -> int:
    """Run a command in a directory of its own, with its output in files."""
    import subprocess
    from pathlib import Path

    place = Path(f"member{number}")
    place.mkdir(parents=True)
    with (place / "stdout").open("wb") as out, (place / "stderr").open("wb") as errors:
        command = ["bash", "-c", "true"]
        done = subprocess.run(command, cwd=place, stdout=out, stderr=errors, check=False)
    return done.returncode


def main(members: int, slots: int) -> None:
    """Start the workers with a first task each, then measure."""
    executor = HighThroughputExecutor(
        address="127.0.0.1",
        max_workers_per_node=slots,
        cores_per_worker=0.001,
        encrypted=True,
        working_dir=str(Path.cwd()),
        provider=LocalProvider(init_blocks=1, max_blocks=1),
    )
    with parsl.load(Config(executors=[executor], strategy="none")):
        wait([run(-number) for number in range(1, slots + 1)])
        begun = time.perf_counter()
        futures = [run(number) for number in range(members)]
        wait(futures)
        seconds = time.perf_counter() - begun
        if any(future.result() for future in futures):
            raise SystemExit("parsl: a command failed")
    print(json.dumps({"ms_each": 1e3 * seconds / members}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
