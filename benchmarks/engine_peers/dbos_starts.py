"""DBOS: starts of durable workflows of one step, in its own process. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS, DBOSConfig


@DBOS.step()
def step(number: int) -> dict[str, str]:
    """Return one durable step: its result is stored."""
    return {"Hello": "World", "number": str(number)}


@DBOS.workflow()
def workflow(number: int) -> dict[str, str]:
    """Call one step."""
    return step(number)


def started(clients: int, count: int) -> dict[str, float]:
    """Start workflows from so many threads, and wait for all of them."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        handles = list(pool.map(lambda n: DBOS.start_workflow(workflow, n), range(count)))
    answered = time.perf_counter() - begun
    for handle in handles:
        handle.get_result()
    ended = time.perf_counter() - begun
    return {"starts_per_second": count / answered, "ended_per_second": count / ended}


def main(url: str, count: int, rounds: int) -> None:
    """Measure one and eight threads."""
    config: DBOSConfig = {
        "name": "starts",
        "system_database_url": url,
        "run_admin_server": False,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    started(1, 20)
    answer = {
        f"clients_{clients}": [started(clients, count) for _ in range(rounds)] for clients in (1, 8)
    }
    print(json.dumps(answer))
    DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
