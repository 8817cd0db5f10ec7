"""DBOS: durable workflows of steps in a library, on SQLite or PostgreSQL. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from dbos import DBOS, DBOSConfig


@DBOS.step()
def step(value: dict[str, Any]) -> dict[str, Any]:
    """Return one durable step: its result is stored."""
    return {**value, "i": value["i"] + 1}


@DBOS.workflow()
def workflow(count: int, value: dict[str, Any]) -> int:
    """So many steps, one after the other."""
    for _ in range(count):
        value = step(value)
    return int(value["i"])


def measured(runs: int, count: int, value: dict[str, Any]) -> dict[str, Any]:
    """Run workflows at the same time."""
    begun = time.perf_counter()
    handles = [DBOS.start_workflow(workflow, count, value) for _ in range(runs)]
    if [handle.get_result() for handle in handles] != [count] * runs:
        raise SystemExit("dbos: wrong result")
    seconds = time.perf_counter() - begun
    steps = runs * count
    return {
        "runs": runs,
        "transitions": steps,
        "transitions_per_second": steps / seconds,
        "ms_each": 1e3 * seconds / steps,
    }


def main(url: str, sequential: int, runs: int, each: int, payload: str) -> None:
    """Measure one long workflow, many short ones, and the same with a payload."""
    config: DBOSConfig = {
        "name": "peer",
        "system_database_url": url,
        "run_admin_server": False,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    measured(1, 20, {"i": 0})
    small, large = {"i": 0}, {"i": 0, **json.loads(payload)}
    answer = {
        "sequential": measured(1, sequential, small),
        "concurrent": measured(runs, each, small),
        "concurrent_10kB": measured(runs, each, large),
    }
    print(json.dumps(answer))
    DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:5]), sys.argv[5])
